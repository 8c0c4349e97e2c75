import { useEffect, useState } from "react";
import type { Passage } from "../api/types";

/** The best passage of each article. */
export function byArticle(passages: readonly Passage[]): Passage[] {
  const seen = new Set<string>();
  return passages.filter((p) => !seen.has(p.article_id) && seen.add(p.article_id));
}

/** The value once it has stopped changing for a moment. */
export function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
