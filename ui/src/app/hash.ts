/** The location of the application: `#/path?query`. Wouter's own hook for hashes keeps the query outside of the hash. */
import { useSyncExternalStore } from "react";

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** Returns the hash without `#`, with a leading slash. */
function current(): string {
  return `/${location.hash.replace(/^#?\/?/, "")}`;
}

const currentPath = () => current().split("?")[0] ?? "/";

const currentSearch = () => current().split("?").slice(1).join("?");

/** Goes to a path such as `/queue?line=motor`. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  const address = `${location.pathname}#${to.startsWith("/") ? to : `/${to}`}`;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

const useHashSearch = () => useSyncExternalStore(subscribe, currentSearch);

export function useHashLocation(): [string, typeof navigate] {
  return [useSyncExternalStore(subscribe, currentPath), navigate];
}
useHashLocation.hrefs = (path: string) => `#${path}`;
useHashLocation.searchHook = useHashSearch;
