/** The photos of a claim: small ones with what is remarkable about each, and a viewer for one at a time. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useRef, useState } from "react";
import { Link } from "wouter";
import { Answer } from "../app/Answer";
import { useAccess } from "../app/access";
import { Moment, number } from "../format/format";
import { useKeys } from "../keyboard/keys";
import { texts } from "../texts";
import { listPhotos } from "./calls";
import { PhotoViewer } from "./PhotoViewer";
import type { Case, Photo } from "./shapes";
import { useSeen } from "./useSeen";

const words = texts.case.photos;

/** What is odd about a photo. That it is used elsewhere is left out where the claims are named. */
export function Marks({ photo, children }: { photo: Photo; children?: ReactNode }) {
  const codes = photo.evidence.filter((code) => code !== "used_elsewhere" || photo.also_used.length === 0);
  if (codes.length === 0 && !children) return null;
  return (
    <ul className="marks">
      {children}
      {codes.map((code) => (
        <li key={code} className="tag warn">
          {words.evidence[code]}
        </li>
      ))}
    </ul>
  );
}

/** Says how near two pictures are: the distance counts the differing bits of their perceptual hashes. */
function likeness(distance: number): string {
  return distance === 0 ? words.identical : words.alike;
}

export function AlsoUsed({ photo, onLeave }: { photo: Photo; onLeave?: () => void }) {
  if (photo.also_used.length === 0) return null;
  return (
    <div className="also-used">
      <strong>{words.alsoUsed(photo.also_used.length)}</strong>
      <ul>
        {photo.also_used.map((other) => (
          <li key={`${other.line}/${other.claim_id}`}>
            {other.case_id ? (
              <Link href={`/case/${other.case_id}`} {...(onLeave && { onClick: onLeave })}>
                {other.claim_id}
              </Link>
            ) : (
              <span className="mono">{other.claim_id}</span>
            )}{" "}
            <span className="muted">{likeness(other.distance)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What is known about a photo, as facts. */
export function PhotoFacts({ photo }: { photo: Photo }) {
  const { taken_at, taken_at_local, latitude, longitude } = photo;
  return (
    <dl className="facts">
      <dt>{words.taken}</dt>
      <dd>
        {taken_at ? (
          <Moment at={taken_at} />
        ) : taken_at_local ? (
          words.byCamera(taken_at_local.slice(0, 16).replace("T", " "))
        ) : (
          words.notRecorded
        )}
      </dd>
      <dt>{words.place}</dt>
      <dd>
        {latitude !== null && longitude !== null
          ? `${number(latitude)}, ${number(longitude)}`
          : words.notRecorded}
      </dd>
      <dt>{words.received}</dt>
      <dd>
        <Moment at={photo.received_at} />
      </dd>
      <dt>{words.size}</dt>
      <dd>
        {photo.width} × {photo.height}, {photo.format}
      </dd>
    </dl>
  );
}

function Grid({ id, photos }: { id: string; photos: readonly Photo[] }) {
  const viewer = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState<number | null>(null);
  const show = (index: number) => {
    setOpen(index);
    if (!viewer.current?.open) viewer.current?.showModal();
  };
  useKeys(
    photos.length > 0 ? [{ key: "p", label: words.key, group: texts.case.keys, run: () => show(0) }] : [],
  );
  return (
    <>
      <ul className="photo-grid">
        {photos.map((photo, index) => (
          <li key={photo.image_id}>
            <button type="button" className="photo" onClick={() => show(index)}>
              <img
                src={`data:image/jpeg;base64,${photo.thumbnail}`}
                alt={words.alt(index + 1, photos.length)}
                width={photo.width}
                height={photo.height}
              />
            </button>
            <Marks photo={photo}>
              {photo.also_used.length > 0 && (
                <li className="tag bad">{words.alsoUsedShort(photo.also_used.length)}</li>
              )}
            </Marks>
          </li>
        ))}
      </ul>
      <PhotoViewer
        ref={viewer}
        id={id}
        photos={photos}
        index={open}
        onShow={setOpen}
        onClose={() => setOpen(null)}
      />
    </>
  );
}

export function Photos({ shown }: { shown: Case }) {
  const access = useAccess();
  const part = useRef<HTMLElement>(null);
  const allowed = access.can("photo.view", shown.line);
  const seen = useSeen(part);
  const photos = useQuery({
    queryKey: ["case", shown.case_id, "photos"],
    queryFn: ({ signal }) => listPhotos(shown.case_id, signal),
    enabled: seen && allowed && shown.photos > 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <section className="panel photos" ref={part} aria-labelledby="photos-title">
      <div className="panel-head">
        <h2 id="photos-title">{words.title(shown.photos)}</h2>
        {shown.photos > 0 && allowed && <kbd>p</kbd>}
      </div>
      {shown.photos === 0 ? (
        <p className="muted">{words.none}</p>
      ) : !allowed ? (
        <p className="muted">{words.forbidden}</p>
      ) : (
        <Answer query={photos}>
          {(answer) => (
            <>
              <Grid id={shown.case_id} photos={answer.photos} />
              {answer.more > 0 && <p className="hint">{words.more(answer.more)}</p>}
            </>
          )}
        </Answer>
      )}
    </section>
  );
}
