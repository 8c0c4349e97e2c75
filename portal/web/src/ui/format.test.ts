import { describe, expect, it } from "vitest";
import { bytes, longDate, relativeTime, shortTime, words } from "./format";

const now = new Date("2026-03-10T12:00:00Z");

describe("times", () => {
  it("are short when near and dated when far", () => {
    expect(shortTime("2026-03-10T09:42:00Z", "en-GB", "UTC", now)).toBe("9:42");
    expect(shortTime("2026-03-08T09:42:00Z", "en-GB", "UTC", now)).toMatch(/^Sun.* 0?9:42$/);
    expect(shortTime("2026-01-08T09:42:00Z", "en-GB", "UTC", now)).toBe("8 Jan");
    expect(shortTime("2024-01-08T09:42:00Z", "en-GB", "UTC", now)).toBe("8 Jan 2024");
  });

  it("use the day of the reader's zone", () => {
    expect(shortTime("2026-03-10T01:00:00Z", "en-GB", "America/New_York", now)).toMatch(/^Mon/);
  });

  it("never move a calendar date", () => {
    expect(longDate("2026-03-10", "en-GB", "Pacific/Honolulu")).toBe("10 March 2026");
    expect(shortTime("2026-05-01", "en-GB", "Pacific/Honolulu", now)).toBe("1 May");
  });

  it("give unreadable text back unchanged", () => {
    expect(longDate("soon", "en")).toBe("soon");
  });

  it("are relative in both directions", () => {
    expect(relativeTime("2026-03-10T11:57:00Z", "en", now)).toBe("3 minutes ago");
    expect(relativeTime("2026-03-12T12:00:00Z", "de", now)).toBe("übermorgen");
  });
});

it("sizes and words", () => {
  expect(bytes(1_250_000, "en")).toBe("1.3 MB");
  expect(words("waiting_for_you")).toBe("Waiting for you");
});
