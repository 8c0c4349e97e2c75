import { useEffect, useRef, useState } from "react";
import { store, stored } from "./theme";

// A draft belongs to its tab: what is typed or sent in one tab must not empty the
// box in another. It is kept for the tab (so it survives a reload) and, as the
// last one written, for the device (so it survives the browser).

function tab(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}

export function readDraft(name: string): string {
  const key = `usher.draft.${name}`;
  return tab()?.getItem(key) ?? stored(key);
}

export function writeDraft(name: string, text: string): void {
  const key = `usher.draft.${name}`;
  const mine = tab()?.getItem(key) ?? undefined;
  try {
    tab()?.setItem(key, text);
  } catch {
    // Storage full: the text lives in the box.
  }
  // Emptying this tab's draft does not take another tab's from the device.
  if (text || stored(key) === mine) store(key, text || undefined);
}

/** A text that survives reloads. When its name changes, the text moves along. */
export function useDraft(name: string): [string, (text: string) => void] {
  const [text, setText] = useState(() => readDraft(name));
  const before = useRef(name);
  useEffect(() => {
    if (before.current !== name) writeDraft(before.current, "");
    before.current = name;
    writeDraft(name, text);
  }, [name, text]);
  return [text, setText];
}
