import { expect, test } from "vitest";
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
