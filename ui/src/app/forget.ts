/** What a sign-out has to forget: every module that keeps something of the session in memory registers here. */

const kept = new Set<() => void>();

/** Registers a function that empties what a module keeps. */
export function forgetOnSignOut(forget: () => void): void {
  kept.add(forget);
}

export function forgetEverything(): void {
  for (const forget of kept) forget();
}
