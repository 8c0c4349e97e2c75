import { useEffect, useRef } from "react";
import { useLocation } from "../ui/router";

/**
 * Brings what the address names (#task-…) into view and puts the focus there as
 * soon as the page has it, and again when a part that comes later moves it, unless
 * the person has gone on. What it is folded into is opened. `parts` say what of
 * the page has come.
 */
export function useAnchor(...parts: boolean[]): void {
  const { hash } = useLocation();
  const reached = useRef<HTMLElement>(undefined);
  const come = parts.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: each part that comes may hold it, or move it
  useEffect(() => {
    const target = hash ? document.getElementById(hash) : null;
    if (!target || (reached.current === target && document.activeElement !== target)) return;
    reached.current = target;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement?.closest("details") ?? null) fold.open = true;
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.scrollIntoView();
  }, [hash, come]);
}
