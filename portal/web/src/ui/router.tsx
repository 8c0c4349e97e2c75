import { type AnchorHTMLAttributes, type MouseEvent, useEffect, useRef, useSyncExternalStore } from "react";

const moved = new Set<() => void>();
const announceMove = () => moved.forEach((fn) => fn());
if (typeof window !== "undefined") window.addEventListener("popstate", announceMove);

const subscribe = (fn: () => void) => {
  moved.add(fn);
  return () => moved.delete(fn);
};

/** Goes to another page of this entry. */
export function navigate(to: string, { replace = false } = {}): void {
  if (to === location.pathname + location.search + location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  announceMove();
}

/** The current path with its query; renders again when it changes. */
export function useLocation(): { path: string; query: URLSearchParams; hash: string } {
  const href = useSyncExternalStore(subscribe, () => location.href);
  const url = new URL(href);
  return { path: url.pathname, query: url.searchParams, hash: decodeURIComponent(url.hash.slice(1)) };
}

/** Matches "/c/:id" and gives its parameters, or undefined. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const want = pattern.split("/");
  const have = path.replace(/\/+$/, "").split("/");
  if (want.length !== have.length) return undefined;
  const found: Record<string, string> = {};
  for (let i = 0; i < want.length; i++) {
    const w = want[i] ?? "";
    const h = have[i] ?? "";
    if (w.startsWith(":")) {
      if (!h) return undefined;
      try {
        found[w.slice(1)] = decodeURIComponent(h);
      } catch {
        return undefined;
      }
    } else if (w !== h) return undefined;
  }
  return found;
}

/** A link inside this entry: an ordinary anchor that does not reload the page. */
export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || rest.target) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={click} {...rest} />;
}

/**
 * Names the page and, after a move within the entry, puts the focus on its
 * heading, as a page load would start reading there.
 */
export function usePage(title: string, suffix: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = title ? `${title} · ${suffix}` : suffix;
  }, [title, suffix]);
  useEffect(() => {
    if (history.length > 1 && navigated) heading.current?.focus({ preventScroll: true });
  }, []);
  return heading;
}

let navigated = false;
moved.add(() => {
  navigated = true;
});
