// Apart from format.ts, which the portal's first frame loads: only staff's screens use these.

/** "1 page", "3 pages". */
export const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** What somebody wrote as a list, by commas or one a line. */
export const listOf = (text: string, by = ","): string[] =>
  text
    .split(by)
    .map((part) => part.trim())
    .filter(Boolean);
