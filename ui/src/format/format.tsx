/** Numbers and moments as the viewer writes them. Moments are stored in UTC and shown in the viewer's time zone. */
import { locale, texts } from "../texts";

/** Returns the browser's locale if it is of the catalogue's language, so that words and numbers agree. */
function pick(): string {
  const language = locale.split("-")[0] ?? locale;
  return navigator.languages?.find((one) => one === language || one.startsWith(`${language}-`)) ?? locale;
}

const chosen = pick();

const DATE: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
const TIME: Intl.DateTimeFormatOptions = { ...DATE, hour: "2-digit", minute: "2-digit" };
const date = new Intl.DateTimeFormat(chosen, DATE);
const time = new Intl.DateTimeFormat(chosen, TIME);
const integer = new Intl.NumberFormat(chosen, { maximumFractionDigits: 0 });
// A year or a small count needs no separator; 1,522.26 is neither.
const whole = new Intl.NumberFormat(chosen, { useGrouping: "min2" });
const fraction = new Intl.NumberFormat(chosen, { maximumFractionDigits: 4 });
const percent0 = new Intl.NumberFormat(chosen, { style: "percent", maximumFractionDigits: 0 });
const percent1 = new Intl.NumberFormat(chosen, {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const relative = new Intl.RelativeTimeFormat(chosen, { numeric: "auto" });

export const count = (value: number) => integer.format(value);

export const amount = (value: number) => integer.format(value);

export const number = (value: number) => (Number.isInteger(value) ? whole : fraction).format(value);

/** Formats a share of 1; below 10 % with one decimal place, so that small shares differ. */
export function percent(share: number): string {
  return share !== 0 && Math.abs(share) < 0.1 ? percent1.format(share) : percent0.format(share);
}

export const factor = (value: number) =>
  new Intl.NumberFormat(chosen, { maximumSignificantDigits: value < 10 ? 2 : 3 }).format(value);

const measured = new Intl.NumberFormat(chosen, { maximumSignificantDigits: 3 });

/** Formats a measure with three significant digits. */
export const measure = (value: number) => measured.format(value);

export function formatDate(at: string): string {
  return date.format(new Date(at));
}

export function formatMoment(at: string): string {
  return time.format(new Date(at));
}

/** Formats a day without a time, such as 2026-03-01, which is the same day in every time zone; "" if it is none. */
export function formatDay(day: string): string {
  const [year, month, number] = day.split("-").map(Number);
  return year && month && number ? date.format(new Date(year, month - 1, number)) : "";
}

/** Formats a moment in UTC, for the title of what is shown in local time. */
export function formatUtc(at: string): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

const DAY = 86_400_000;

/** Returns the distance of a moment from now in words, such as "in 3 days". Both in milliseconds. */
export function distance(then: number, now: number): string {
  const difference = then - now;
  const size = Math.abs(difference);
  if (size < 3_600_000) return relative.format(Math.round(difference / 60_000), "minute");
  if (size < DAY) return relative.format(Math.round(difference / 3_600_000), "hour");
  return relative.format(Math.round(difference / DAY), "day");
}

/** Formats seconds as minutes and seconds, such as 4:05. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A moment in the viewer's time zone, with UTC in its title. */
export function Moment({ at, day = false }: { at: string; day?: boolean }) {
  return (
    <time dateTime={at} title={formatUtc(at)}>
      {day ? formatDate(at) : formatMoment(at)}
    </time>
  );
}

/** A value of a claim as text: it may be anything that JSON holds. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? texts.app.yes : texts.app.no;
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

/** A code, such as total_loss, as words; anything else as `formatValue` has it. */
export function formatCode(value: unknown): string {
  return formatValue(value).replaceAll("_", " ");
}
