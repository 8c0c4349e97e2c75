const paths = {
  ask: "M4 5h16v11H9l-5 4z",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  ticket: "M3 8a2 2 0 0 0 0 4 2 2 0 0 1 0 4v2h18v-2a2 2 0 0 1 0-4 2 2 0 0 0 0-4V6H3zM14 6v12",
  road: "M5 21 9 3M19 21 15 3M12 4v3M12 11v3M12 18v3",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  book: "M4 5c3-1.5 6-1 8 1 2-2 5-2.5 8-1v14c-3-1.5-6-1-8 1-2-2-5-2.5-8-1zM12 6v14",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 3.5-6.5 8-6.5s8 2.5 8 6.5",
  send: "M4 12 20 4l-5 16-3-7zM12 13l8-9",
  stop: "M7 7h10v10H7z",
  up: "M7 11v9H4v-9zM7 11l4-8c2 0 3 1 3 3v3h5c1 0 2 1 1.700 2.200l-1.700 7c-.3 1-1 1.800-2 1.800H7",
  down: "M7 13V4H4v9zM7 13l4 8c2 0 3-1 3-3v-3h5c1 0 2-1 1.700-2.200l-1.700-7C18.700 4.800 18 4 17 4H7",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 13l4 4L19 7",
  back: "M15 5l-7 7 7 7",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
  plus: "M12 5v14M5 12h14",
  chart: "M4 20V10M10 20V4M16 20v-8M21 20H3",
  tag: "M3 12V4h8l10 10-8 8zM7.500 8.500h.01",
  inbox: "M3 13h5l1.500 3h5L16 13h5M5 5h14l2 8v6H3v-6z",
  truck: "M3 6h11v10H3zM14 9h4l3 4v3h-7M7 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM17 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  gap: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 18h.01M12 22a10 10 0 1 0 0-20 10 10 0 0 0 0 20z",
  warn: "M12 4 2.500 20h19zM12 10v4M12 17h.01",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500 19 19M5 19l1.500-1.500M17.500 6.500 19 5",
  menu: "M4 7h16M4 12h16M4 17h16",
  flask: "M9 3h6M10 3v6L4.500 19a1.500 1.500 0 0 0 1.300 2h12.400a1.500 1.500 0 0 0 1.300-2L14 9V3M7 15h10",
  out: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  reload: "M20 11a8 8 0 1 0-2.300 6.300M20 5v6h-6",
  save: "M12 4v11M7 10l5 5 5-5M5 20h14",
  swap: "M4 8h14l-4-4M20 16H6l4 4",
} as const;

export type IconName = keyof typeof paths;

/** A line icon. Always decoration: the control around it carries the words. */
export function Icon({ name, flip = false }: { name: IconName; flip?: boolean }) {
  return (
    <svg className={flip ? "icon icon-flip" : "icon"} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

/** The product's mark. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="#6b2346" />
      <path d="M9 8v8a7 7 0 0 0 14 0V8" fill="none" stroke="#fff" strokeWidth="3.4" strokeLinecap="round" />
      <circle cx="16" cy="15" r="2.6" fill="#f0b64a" />
    </svg>
  );
}
