import { describe, expect, it } from "vitest";
import { diffLines } from "./diff";

const marks = (a: string, b: string) => diffLines(a, b).map((l) => `${l.kind === "same" ? " " : l.kind === "added" ? "+" : "-"}${l.text}`);

describe("diffLines", () => {
  it("shows what was added, removed and kept", () => {
    expect(marks("a\nb\nc\nd", "a\nx\nc\nd\ne")).toEqual([" a", "-b", "+x", " c", " d", "+e"]);
  });

  it("says nothing changed when nothing changed", () => {
    expect(marks("a\nb", "a\nb")).toEqual([" a", " b"]);
  });

  it("rebuilds both sides from any pair", () => {
    let seed = 5;
    const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    for (let round = 0; round < 200; round++) {
      const make = () => Array.from({ length: random(12) + 1 }, () => "abc"[random(3)]).join("\n");
      const [a, b] = [make(), make()];
      const lines = diffLines(a, b);
      expect(lines.filter((l) => l.kind !== "added").map((l) => l.text).join("\n")).toBe(a);
      expect(lines.filter((l) => l.kind !== "removed").map((l) => l.text).join("\n")).toBe(b);
    }
  });
});
