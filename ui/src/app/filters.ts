/** Filters of a screen in the hash, so that an address can be kept, sent and gone back to. */
import { useLocation, useSearch } from "wouter";

export type Filters<Name extends string> = Readonly<Record<Name, string>>;

/**
 * Returns the filters of these names, empty if absent, and a function that changes some of them.
 *
 * Never for a value of a claim: the browser keeps addresses in its history.
 */
export function useFilters<Name extends string>(
  names: readonly Name[],
): [Filters<Name>, (changes: Partial<Filters<Name>>, options?: { replace?: boolean }) => void] {
  const [path, navigate] = useLocation();
  const search = new URLSearchParams(useSearch());
  const filters = Object.fromEntries(names.map((name) => [name, search.get(name) ?? ""])) as Record<
    Name,
    string
  >;
  function change(changes: Partial<Filters<Name>>, options: { replace?: boolean } = {}) {
    const next = new URLSearchParams(search);
    for (const [name, value] of Object.entries(changes) as [Name, string][]) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const query = next.toString();
    navigate(query ? `${path}?${query}` : path, options);
  }
  return [filters, change];
}
