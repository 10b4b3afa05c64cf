/** Writes seconds as a person says them: `45 s`, `3 min`, `1 h 5 min`. */
import { texts } from "../texts";

export function duration(seconds: number): string {
  const words = texts.charts.duration;
  if (seconds < 90) return words.seconds(Math.round(seconds));
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return words.minutes(minutes);
  return words.hours(Math.floor(minutes / 60), minutes % 60);
}
