import { useSyncExternalStore } from "react";

// One hidden polite region per page. The transcript itself is a log whose
// streaming message is kept out of it, so each answer is read once, when whole.

let text = "";
let flip = false;
const listeners = new Set<() => void>();

/** Says something to screen readers, politely. The same text twice is said twice. */
export function announce(message: string): void {
  flip = !flip;
  text = message + (flip ? "\u00a0" : "");
  listeners.forEach((fn) => fn());
}

const subscribe = (fn: () => void) => {
  listeners.add(fn);
  return () => listeners.delete(fn);
};

/** The region `announce` speaks through; render it once, near the root. */
export function Announcer() {
  const value = useSyncExternalStore(subscribe, () => text);
  return (
    <div className="vh" aria-live="polite" role="status" data-testid="announcer">
      {value}
    </div>
  );
}
