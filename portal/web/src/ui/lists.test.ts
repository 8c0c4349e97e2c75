import { expect, it } from "vitest";
import { counted, listOf } from "./lists";

it("counts in words", () => {
  expect(counted(1, "page")).toBe("1 page");
  expect(counted(0, "page")).toBe("0 pages");
  expect(counted(2, "entry", "entries")).toBe("2 entries");
});

it("reads what somebody wrote as a list", () => {
  expect(listOf(" a, b,,c ,")).toEqual(["a", "b", "c"]);
  expect(listOf("a, b\r\n\n c ", "\n")).toEqual(["a, b", "c"]);
  expect(listOf(" ")).toEqual([]);
});
