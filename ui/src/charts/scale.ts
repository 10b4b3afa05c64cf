/** Positions of values on an axis. */

export interface Scale {
  (value: number): number;
  readonly low: number;
  readonly high: number;
}

/** Returns a linear scale; values beyond its ends are clamped, so that no mark leaves the chart. */
export function scaleOf(low: number, high: number, start: number, end: number): Scale {
  const width = high - low || 1;
  const scale = (value: number) => {
    const share = Math.min(Math.max((value - low) / width, 0), 1);
    return start + share * (end - start);
  };
  return Object.assign(scale, { low, high });
}

const STEPS = [1, 2, 2.5, 5, 10];

/** Returns round values from `low` to at least `high`, about `wanted` of them. */
export function ticksOf(low: number, high: number, wanted = 4, whole = false): number[] {
  const range = high > low ? high - low : 1;
  const magnitude = 10 ** Math.floor(Math.log10(range / wanted));
  const found =
    STEPS.map((each) => each * magnitude).find((each) => range / each <= wanted) ?? 10 * magnitude;
  const step = whole ? Math.max(1, Math.ceil(found)) : found;
  const first = Math.floor(low / step) * step;
  const count = Math.max(1, Math.ceil((high - first) / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, place) => Number((first + place * step).toPrecision(12)));
}

/** Returns which of `count` labels to show, so that each has `room` pixels; the last one is always shown. */
export function shownLabels(count: number, width: number, room: number): ReadonlySet<number> {
  const every = Math.max(1, Math.ceil((count * room) / Math.max(width, 1)));
  const shown = new Set<number>();
  for (let place = count - 1; place >= 0; place -= every) shown.add(place);
  return shown;
}
