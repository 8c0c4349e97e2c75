import { useSyncExternalStore } from "react";
import { Banner } from "./parts";

function subscribe(fn: () => void) {
  window.addEventListener("online", fn);
  window.addEventListener("offline", fn);
  return () => {
    window.removeEventListener("online", fn);
    window.removeEventListener("offline", fn);
  };
}

export const useOnline = (): boolean => useSyncExternalStore(subscribe, () => navigator.onLine);

/** Says on a page that it is offline, and goes by itself. */
export function Offline({ text }: { text: string }) {
  if (useOnline()) return null;
  return (
    <div className="offline">
      <Banner tone="warn" role="status">
        {text}
      </Banner>
    </div>
  );
}
