import { lazy } from "react";

/**
 * A part of the program that is fetched when it is first shown, and asked for again until it comes:
 * while the server starts anew or the line is down, the page keeps what it has.
 */
export const lazily = ((load) => lazy(() => persistently(load))) as typeof lazy;

export async function persistently<T>(load: () => Promise<T>, pause = 500): Promise<T> {
  try {
    return await load();
  } catch {
    await new Promise((done) => setTimeout(done, pause));
    return persistently(load, Math.min(2 * pause, 8000));
  }
}
