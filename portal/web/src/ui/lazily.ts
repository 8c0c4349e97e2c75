import { lazy } from "react";

/**
 * A part of the program that is fetched when it is first shown, and asked for again until it comes,
 * with its styles: while the server starts anew or the line is down, the page keeps what it has.
 * Where the server is there and the part is not, another version runs: its page is loaded, once a version.
 */
export const lazily = ((load) => lazy(() => persistently(load))) as typeof lazy;

export async function persistently<T>(load: () => Promise<T>, pause = 500): Promise<T> {
  try {
    await styles();
    return await load();
  } catch {
    await new Promise((done) => setTimeout(done, pause));
    if (pause > 4000) await renew();
    return persistently(load, Math.min(2 * pause, 8000));
  }
}

/** Style sheets that did not come. What fetches a part asks for each of its style sheets once only. */
const absent = new Set<HTMLLinkElement>();
globalThis.document?.addEventListener(
  "error",
  ({ target }) => {
    if (target instanceof HTMLLinkElement && target.rel === "stylesheet") absent.add(target);
  },
  true,
);

const styles = () =>
  Promise.all(
    [...absent].map(
      (link) =>
        new Promise((done, fail) => {
          const again = link.cloneNode() as HTMLLinkElement;
          again.onload = done;
          again.onerror = fail;
          absent.delete(link);
          link.replaceWith(again);
        }),
    ),
  );

async function renew() {
  const there = await fetch(location.href, { method: "HEAD" }).catch(() => undefined);
  if (!there?.ok || sessionStorage.getItem("usher.renewed") === import.meta.url) return;
  sessionStorage.setItem("usher.renewed", import.meta.url); // its name changes with what is in it
  location.reload();
}
