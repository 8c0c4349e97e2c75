// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { persistently } from "./lazily";

test("what fails to load is asked for until it comes", async () => {
  let tries = 0;
  const load = async () => {
    if (++tries < 3) throw new Error("Failed to fetch dynamically imported module");
    return "here";
  };
  expect(await persistently(load, 1)).toBe("here");
  expect(tries).toBe(3);
});

test("a style sheet that fails is asked for until it comes, and the part waits for it", async () => {
  const sheets = document.getElementsByTagName("link");
  let asked = document.createElement("link");
  asked.rel = "stylesheet";
  document.head.append(asked);
  let tries = 0;
  const load = async () => {
    if (++tries > 1) return "here"; // the second time nothing else asks for the style sheet
    asked.dispatchEvent(new Event("error"));
    throw new Error("Unable to preload CSS");
  };
  const part = persistently(load, 1);
  for (const outcome of ["error", "error", "load"]) {
    await vi.waitFor(() => expect(sheets[0]).not.toBe(asked));
    expect(sheets).toHaveLength(1);
    expect(tries).toBe(1);
    asked = sheets[0] as HTMLLinkElement;
    asked.dispatchEvent(new Event(outcome));
  }
  expect(await part).toBe("here");
});

test("a part that is gone while the server is there has the page loaded again, once", async () => {
  const reload = vi.spyOn(location, "reload").mockImplementation(() => {});
  const answer = vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("down"));
  let tries = 0;
  const load = async () => {
    if (++tries < 5) throw new Error("404");
    return "here";
  };
  vi.useFakeTimers();
  const gone = async () => {
    tries = 0;
    const part = persistently(load, 8000);
    await vi.runAllTimersAsync();
    expect(await part).toBe("here");
  };
  await gone();
  expect(reload).not.toHaveBeenCalled(); // nobody answers: the server starts anew
  answer.mockResolvedValue(new Response(null, { status: 503 }));
  await gone();
  expect(reload).not.toHaveBeenCalled();
  answer.mockResolvedValue(new Response());
  await gone();
  await gone();
  expect(reload).toHaveBeenCalledOnce();
  vi.useRealTimers();
});
