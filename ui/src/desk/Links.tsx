/** Claims that share something with this one: as a picture of rings, and as a table that says the same. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Link } from "wouter";
import { Answer } from "../app/Answer";
import { count, Moment } from "../format/format";
import { useKeys } from "../keyboard/keys";
import { texts } from "../texts";
import { listLinks } from "./calls";
import type { Case, Links as Linked } from "./shapes";
import { useSeen } from "./useSeen";
import { humanize, StateTag, VerdictTag } from "./words";

const words = texts.case.links;

const nameOf = (node: { line: string; claim_id: string }) => `${node.line}/${node.claim_id}`;

export const kindName = (kind: string) => (kind === "photo" ? words.photo : humanize(kind));

/** So many claims can be told apart in the picture; the table has all of them. */
const DRAWN = 48;

interface Placed {
  x: number;
  y: number;
}

/** Returns where each claim stands: on a ring for each hop, around the claim in the middle. */
export function place(links: Linked, middle: string): Map<string, Placed> {
  const places = new Map<string, Placed>([[middle, { x: 0, y: 0 }]]);
  const drawn = links.nodes.filter((node) => nameOf(node) !== middle).slice(0, DRAWN);
  const first = drawn.filter((node) => node.hop <= 1);
  const angles = new Map<string, number>();
  first.forEach((node, index) => {
    angles.set(nameOf(node), (2 * Math.PI * index) / Math.max(first.length, 1) - Math.PI / 2);
  });
  // A claim of the second ring stands behind the one that it is connected with.
  const second = drawn.filter((node) => node.hop > 1);
  const behind = (name: string) => {
    const edge = links.edges.find(
      ({ from, to }) => (from === name && angles.has(to)) || (to === name && angles.has(from)),
    );
    return (edge && (angles.get(edge.from) ?? angles.get(edge.to))) ?? 0;
  };
  const ordered = second.map((node) => ({ name: nameOf(node), angle: behind(nameOf(node)) }));
  ordered.sort((a, b) => a.angle - b.angle);
  ordered.forEach(({ name }, index) => {
    angles.set(name, (2 * Math.PI * index) / ordered.length - Math.PI / 2);
  });
  for (const node of drawn) {
    const angle = angles.get(nameOf(node)) ?? 0;
    const radius = node.hop <= 1 ? (second.length > 0 ? 72 : 105) : 125;
    places.set(nameOf(node), { x: radius * Math.cos(angle), y: radius * Math.sin(angle) });
  }
  return places;
}

function Picture({ links, middle }: { links: Linked; middle: string }) {
  const places = place(links, middle);
  const kinds = [...new Set(links.edges.map((edge) => edge.kind))];
  const others = links.nodes.filter((node) => nameOf(node) !== middle);
  const labelled = others.length <= 14;
  return (
    <figure className="rings">
      <svg
        viewBox="-165 -145 330 290"
        role="img"
        aria-label={words.picture(others.length, kinds.map(kindName))}
      >
        {links.edges.map((edge) => {
          const from = places.get(edge.from);
          const to = places.get(edge.to);
          if (!from || !to) return null;
          return (
            <line
              key={`${edge.from} ${edge.to} ${edge.kind}`}
              x1={from.x}
              y1={from.y}
              x2={to.x}
              y2={to.y}
              className={`edge kind-${kinds.indexOf(edge.kind) % 6}`}
            />
          );
        })}
        {others.map((node) => {
          const at = places.get(nameOf(node));
          if (!at) return null;
          return (
            <g key={nameOf(node)} transform={`translate(${at.x} ${at.y})`}>
              <title>{node.claim_id}</title>
              <circle r={node.hop <= 1 ? 7 : 5} className={`node ${node.verdict ?? "undecided"}`} />
              {labelled && (
                <text y={at.y < 0 ? -11 : 18} textAnchor="middle">
                  {node.claim_id.length > 16 ? `…${node.claim_id.slice(-14)}` : node.claim_id}
                </text>
              )}
            </g>
          );
        })}
        <circle r="10" className="node middle" />
      </svg>
      <figcaption>
        <ul className="legend">
          {kinds.map((kind, index) => (
            <li key={kind}>
              <svg viewBox="0 0 24 8" width="24" height="8" aria-hidden="true">
                <line x1="0" y1="4" x2="24" y2="4" className={`edge kind-${index % 6}`} />
              </svg>
              {kindName(kind)}
            </li>
          ))}
          <li>
            <svg viewBox="-6 -6 12 12" width="12" height="12" aria-hidden="true">
              <circle r="5" className="node fraud" />
            </svg>
            {texts.case.verdicts.fraud}
          </li>
          <li>
            <svg viewBox="-6 -6 12 12" width="12" height="12" aria-hidden="true">
              <circle r="5" className="node not_fraud" />
            </svg>
            {texts.case.verdicts.not_fraud}
          </li>
          <li>
            <svg viewBox="-6 -6 12 12" width="12" height="12" aria-hidden="true">
              <circle r="5" className="node undecided" />
            </svg>
            {words.undecided}
          </li>
        </ul>
      </figcaption>
    </figure>
  );
}

function Table({ links, middle }: { links: Linked; middle: string }) {
  const others = links.nodes.filter((node) => nameOf(node) !== middle);
  const shared = (name: string) =>
    links.edges
      .filter(({ from, to }) => from === name || to === name)
      .map(({ from, to, kind }) => {
        const other = from === name ? to : from;
        return other === middle
          ? kindName(kind)
          : words.sharedWith(kindName(kind), other.split("/")[1] ?? other);
      });
  return (
    <div className="table-wrap">
      <table className="linked">
        <caption className="visually-hidden">{words.caption}</caption>
        <thead>
          <tr>
            <th scope="col">{words.claim}</th>
            <th scope="col">{words.shares}</th>
            <th scope="col">{words.status}</th>
            <th scope="col">{words.received}</th>
          </tr>
        </thead>
        <tbody>
          {others.map((node) => (
            <tr key={nameOf(node)}>
              <th scope="row">
                {node.case_id ? (
                  <Link href={`/case/${node.case_id}`} className="mono">
                    {node.claim_id}
                  </Link>
                ) : (
                  <span className="mono">{node.claim_id}</span>
                )}{" "}
                {node.line !== middle.split("/")[0] && <span className="hint">{node.line}</span>}
              </th>
              <td>{[...new Set(shared(nameOf(node)))].join(", ")}</td>
              <td>
                {node.verdict ? (
                  <VerdictTag verdict={node.verdict} />
                ) : node.state ? (
                  <StateTag state={node.state} />
                ) : (
                  <span className="muted">{words.undecided}</span>
                )}
              </td>
              <td>
                <Moment at={node.received_at} day />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Links({ shown }: { shown: Case }) {
  const part = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const seen = useSeen(part);
  const [hops, setHops] = useState<1 | 2>(1);
  const links = useQuery({
    queryKey: ["case", shown.case_id, "links", hops],
    queryFn: ({ signal }) => listLinks(shown.case_id, hops, signal),
    enabled: seen && shown.linked > 0,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
  useKeys([
    {
      key: "l",
      label: words.key,
      group: texts.case.keys,
      run: () => {
        heading.current?.focus();
        part.current?.scrollIntoView({ block: "start" });
      },
    },
  ]);
  const middle = nameOf(shown);
  return (
    <section className="panel links" ref={part} aria-labelledby="links-title">
      <div className="panel-head">
        <h2 id="links-title" ref={heading} tabIndex={-1}>
          {words.title(shown.linked, count(shown.linked))}
        </h2>
        {shown.linked > 0 && <kbd>l</kbd>}
      </div>
      {shown.linked === 0 ? (
        <p className="muted">{words.none}</p>
      ) : (
        <Answer query={links}>
          {(answer) => (
            <div className="stack">
              {answer.nodes.length > 1 && <Picture links={answer} middle={middle} />}
              {answer.hubs.length > 0 && (
                <ul className="hubs">
                  {answer.hubs.map((hub) => (
                    <li key={`${hub.kind} ${hub.from}`} className="notice">
                      {words.hub(count(hub.claims), kindName(hub.kind))}
                    </li>
                  ))}
                </ul>
              )}
              <Table links={answer} middle={middle} />
              {answer.truncated && <p className="hint">{words.truncated}</p>}
              {hops === 1 && (
                <button type="button" onClick={() => setHops(2)}>
                  {words.further}
                </button>
              )}
            </div>
          )}
        </Answer>
      )}
    </section>
  );
}
