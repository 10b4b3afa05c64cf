/** The catalogue that the browser's languages ask for. A language is one file of type `Texts`, listed here. */
import { en } from "./en";

/** The shape of a catalogue: the same keys, functions with the same arguments, any words. */
type Words<T> = T extends (...values: infer V) => string
  ? (...values: V) => string
  : T extends string
    ? string
    : { readonly [K in keyof T]: Words<T[K]> };
export type Texts = Words<typeof en>;

const catalogues: Readonly<Record<string, Texts>> = { en };

export const locale =
  (navigator.languages ?? []).find((one) => (one.split("-")[0] ?? "") in catalogues) ?? "en-GB";

export const texts: Texts = catalogues[locale.split("-")[0] ?? "en"] ?? en;
