/**
 * One photo at a time, in a dialog: zoom, rotate and pan by keyboard and pointer. A photo is asked for when it is
 * shown, once while the viewer is open; each request is one view on record.
 */
import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  useEffect,
  useReducer,
  useRef,
  useState,
} from "react";
import { isTransient } from "../api/problems";
import { explain, Loading } from "../app/Answer";
import { announce } from "../app/announce";
import { closeBlob, openBlob } from "../app/blobs";
import { Dialog } from "../app/Dialog";
import { percent } from "../format/format";
import { texts } from "../texts";
import { readPhoto } from "./calls";
import { AlsoUsed, Marks, PhotoFacts } from "./Photos";
import type { Photo } from "./shapes";

const words = texts.case.photos;

interface View {
  zoom: number;
  turns: number;
  x: number;
  y: number;
}

const KEYS = [
  "+",
  "=",
  "-",
  "0",
  "r",
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "PageUp",
  "PageDown",
];

const WHOLE: View = { zoom: 1, turns: 0, x: 0, y: 0 };

type Move =
  | { kind: "zoom"; by: number }
  | { kind: "turn" }
  | { kind: "pan"; x: number; y: number }
  | { kind: "reset" };

/** Returns the view after a move; a whole picture cannot be moved out of sight. */
export function moved(view: View, move: Move): View {
  switch (move.kind) {
    case "zoom": {
      const zoom = Math.min(8, Math.max(1, view.zoom * move.by));
      return zoom === 1 ? { ...view, zoom, x: 0, y: 0 } : { ...view, zoom };
    }
    case "turn":
      return { ...view, turns: (view.turns + 1) % 4 };
    case "pan": {
      if (view.zoom === 1) return view;
      const most = 50 * (view.zoom - 1) + 20;
      const within = (value: number) => Math.min(most, Math.max(-most, value));
      return { ...view, x: within(view.x + move.x), y: within(view.y + move.y) };
    }
    case "reset":
      return WHOLE;
  }
}

/** Fetches photos one by one and keeps them while the viewer is open. */
function usePicture(id: string, photo: Photo | undefined, open: boolean) {
  const kept = useRef(new Map<number, string>());
  const [shown, setShown] = useState<{ image: number; address: string } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [tries, again] = useReducer((n: number) => n + 1, 0);
  const image = photo?.image_id;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` asks again after a failure
  useEffect(() => {
    if (!open || image === undefined) return;
    setError(null);
    const known = kept.current.get(image);
    if (known) {
      setShown({ image, address: known });
      return;
    }
    const stop = new AbortController();
    readPhoto(id, image, stop.signal)
      .then((blob) => {
        if (stop.signal.aborted) return;
        const address = openBlob(blob);
        kept.current.set(image, address);
        setShown({ image, address });
      })
      .catch((raised: unknown) => {
        if (!stop.signal.aborted) setError(raised);
      });
    return () => stop.abort();
  }, [id, image, open, tries]);

  useEffect(() => {
    const pictures = kept.current;
    return () => {
      for (const address of pictures.values()) closeBlob(address);
      pictures.clear();
    };
  }, []);

  const forget = () => {
    for (const address of kept.current.values()) closeBlob(address);
    kept.current.clear();
    setShown(null);
  };
  return { address: shown && shown.image === image ? shown.address : null, error, again, forget };
}

interface Props {
  ref: RefObject<HTMLDialogElement | null>;
  id: string;
  photos: readonly Photo[];
  index: number | null;
  onShow: (index: number) => void;
  onClose: () => void;
}

export function PhotoViewer({ ref, id, photos, index, onShow, onClose }: Props) {
  const [view, move] = useReducer(moved, WHOLE);
  const photo = index === null ? undefined : photos[index];
  const { address, error, again, forget } = usePicture(id, photo, index !== null);
  const stage = useRef<HTMLDivElement>(null);
  const grip = useRef<{ x: number; y: number } | null>(null);

  const go = (by: number) => {
    if (index === null || photos.length < 2) return;
    const next = (index + by + photos.length) % photos.length;
    move({ kind: "reset" });
    onShow(next);
    announce(words.alt(next + 1, photos.length));
  };
  const leave = () => {
    move({ kind: "reset" });
    forget();
    onClose();
  };

  const zoomed = view.zoom > 1;
  const press = (key: string): void => {
    switch (key) {
      case "+":
      case "=":
        move({ kind: "zoom", by: 1.5 });
        break;
      case "-":
        move({ kind: "zoom", by: 1 / 1.5 });
        break;
      case "0":
        move({ kind: "reset" });
        break;
      case "r":
        move({ kind: "turn" });
        break;
      case "ArrowLeft":
        if (zoomed) move({ kind: "pan", x: 8, y: 0 });
        else go(-1);
        break;
      case "ArrowRight":
        if (zoomed) move({ kind: "pan", x: -8, y: 0 });
        else go(1);
        break;
      case "ArrowUp":
        move({ kind: "pan", x: 0, y: 8 });
        break;
      case "ArrowDown":
        move({ kind: "pan", x: 0, y: -8 });
        break;
      case "PageUp":
        go(-1);
        break;
      case "PageDown":
        go(1);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!KEYS.includes(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    press(event.key);
  };

  // React listens to the wheel passively, so that the page would scroll behind the dialog.
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      move({ kind: "zoom", by: event.deltaY < 0 ? 1.2 : 1 / 1.2 });
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, []);

  const drag = {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (view.zoom === 1) return;
      grip.current = { x: event.clientX, y: event.clientY };
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const from = grip.current;
      if (!from) return;
      const { width, height } = event.currentTarget.getBoundingClientRect();
      move({
        kind: "pan",
        x: (100 * (event.clientX - from.x)) / width,
        y: (100 * (event.clientY - from.y)) / height,
      });
      grip.current = { x: event.clientX, y: event.clientY };
    },
    onPointerUp: () => {
      grip.current = null;
    },
    onPointerCancel: () => {
      grip.current = null;
    },
  };

  return (
    <Dialog
      ref={ref}
      title={words.alt((index ?? 0) + 1, photos.length)}
      className="viewer"
      onClose={leave}
      onKeyDown={onKeyDown}
    >
      <div className="viewer-body">
        <div className="stage" ref={stage} {...drag} data-zoomed={zoomed || undefined}>
          {address ? (
            <img
              src={address}
              alt={words.alt((index ?? 0) + 1, photos.length)}
              draggable={false}
              style={{
                transform: `translate(${view.x}%, ${view.y}%) scale(${view.turns % 2 ? 0.75 * view.zoom : view.zoom}) rotate(${90 * view.turns}deg)`,
              }}
            />
          ) : error ? (
            <div className="notice bad" role="alert">
              <p>{explain(error)}</p>
              {isTransient(error) && (
                <button type="button" onClick={again}>
                  {texts.errors.again}
                </button>
              )}
            </div>
          ) : (
            index !== null && <Loading />
          )}
        </div>
        <div className="viewer-side stack">
          <div className="row viewer-tools" role="toolbar" aria-label={words.tools}>
            <button type="button" onClick={() => move({ kind: "zoom", by: 1.5 })}>
              {words.zoomIn} <kbd>+</kbd>
            </button>
            <button type="button" onClick={() => move({ kind: "zoom", by: 1 / 1.5 })}>
              {words.zoomOut} <kbd>−</kbd>
            </button>
            <button type="button" onClick={() => move({ kind: "turn" })}>
              {words.rotate} <kbd>r</kbd>
            </button>
            <button type="button" onClick={() => move({ kind: "reset" })}>
              {words.reset} <kbd>0</kbd>
            </button>
            {photos.length > 1 && (
              <>
                <button type="button" onClick={() => go(-1)}>
                  {words.previous} <kbd>{texts.keys.pageUp}</kbd>
                </button>
                <button type="button" onClick={() => go(1)}>
                  {words.next} <kbd>{texts.keys.pageDown}</kbd>
                </button>
              </>
            )}
          </div>
          <p className="hint">
            {words.zoom(percent(view.zoom))} {words.panHint}
          </p>
          {photo && (
            <>
              <Marks photo={photo} />
              <PhotoFacts photo={photo} />
              <AlsoUsed photo={photo} onLeave={() => ref.current?.close()} />
            </>
          )}
        </div>
      </div>
    </Dialog>
  );
}
