/** Live regions: what a screen reader says without moving the focus. */
import { forgetOnSignOut } from "./forget";
import { createStore, useStore } from "./store";

const polite = createStore({ text: "", count: 0 });
const urgent = createStore({ text: "", count: 0 });

/** Has a screen reader say a text; `now` interrupts it, which is for errors only. */
export function announce(text: string, { now = false }: { now?: boolean } = {}): void {
  const region = now ? urgent : polite;
  region.set({ text, count: region.get().count + 1 });
}

// A region may name a case.
forgetOnSignOut(() => {
  polite.set({ text: "", count: 0 });
  urgent.set({ text: "", count: 0 });
});

export function LiveRegions() {
  const said = useStore(polite);
  const alert = useStore(urgent);
  return (
    <>
      <div role="status" aria-live="polite" className="visually-hidden">
        {/* A new element, so that a repeated text is said again. */}
        <span key={said.count}>{said.text}</span>
      </div>
      <div role="alert" aria-live="assertive" className="visually-hidden">
        <span key={alert.count}>{alert.text}</span>
      </div>
    </>
  );
}
