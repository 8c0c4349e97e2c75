// Times, dates and sizes in the reader's language and time zone. Instants come
// as RFC 3339 text; calendar dates as YYYY-MM-DD and are never shifted by a zone.

const isDate = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text);

function toDate(text: string): Date | undefined {
  const date = new Date(isDate(text) ? `${text}T00:00:00Z` : text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Time of day for today, weekday within a week, otherwise the date. */
export function shortTime(text: string, locale: string, zone?: string, now = new Date()): string {
  const date = toDate(text);
  if (!date) return text;
  const age = now.getTime() - date.getTime();
  const day = (d: Date) => new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(d);
  if (day(date) === day(now)) return new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", timeZone: zone }).format(date);
  if (age > 0 && age < 6 * 86_400_000) return new Intl.DateTimeFormat(locale, { weekday: "short", hour: "numeric", minute: "2-digit", timeZone: zone }).format(date);
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", ...(date.getUTCFullYear() !== now.getUTCFullYear() && { year: "numeric" }), timeZone: isDate(text) ? "UTC" : zone }).format(date);
}

/** The whole instant with its zone named, for tooltips and audits. */
export function fullTime(text: string, locale: string, zone?: string): string {
  const date = toDate(text);
  if (!date) return text;
  if (isDate(text)) return longDate(text, locale);
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short", timeZone: zone }).format(date);
}

/** A calendar date in words. */
export function longDate(text: string, locale: string, zone?: string): string {
  const date = toDate(text);
  if (!date) return text;
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric", timeZone: isDate(text) ? "UTC" : zone }).format(date);
}

/** "3 minutes ago", "in 2 hours". */
export function relativeTime(text: string, locale: string, now = new Date()): string {
  const date = toDate(text);
  if (!date) return text;
  const seconds = (date.getTime() - now.getTime()) / 1000;
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["second", 60],
    ["minute", 60],
    ["hour", 24],
    ["day", 30],
    ["month", 12],
    ["year", Infinity],
  ];
  let value = seconds;
  for (const [unit, size] of steps) {
    if (Math.abs(Math.round(value)) < size) return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(value), unit);
    value /= size;
  }
  return text;
}

export function bytes(size: number, locale: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let step = 0;
  while (size >= 1000 && step < units.length - 1) {
    size /= 1000;
    step++;
  }
  return new Intl.NumberFormat(locale, { style: "unit", unit: units[step], unitDisplay: step ? "short" : "long", maximumFractionDigits: 1 }).format(size);
}

export const percent = (part: number, locale: string, digits = 0): string => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(part);

/** snake_case from the API as words, for values the interface has no better name for. */
export const words = (value: string): string => {
  const text = value.replace(/[_.]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
};
