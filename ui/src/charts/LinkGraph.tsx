import { useMemo, useState } from "react";
import { texts } from "../texts";
import { DataTable } from "./DataTable";
import "./charts.css";
import { count } from "../format/format";
import { Picture } from "./ChartFrame";
import { centerOf, type LinkEdge, type LinkHub, type LinkNode, type PlacedNode, placed } from "./linkLayout";
import { useWidth } from "./width";

export type { LinkEdge, LinkHub, LinkNode } from "./linkLayout";

interface Props {
  readonly nodes: readonly LinkNode[];
  readonly edges: readonly LinkEdge[];
  readonly hubs: readonly LinkHub[];
  /** Called for a claim that has a case or can be shown otherwise. */
  readonly onOpen: (node: LinkNode) => void;
  readonly title?: string;
}

const NODE = 13;
const MARGIN = NODE + 6;
/** Up to so many claims, the circle around the first one is small. */
const FEW = 6;
const DASHES = ["", "7 4", "2 4", "10 3 2 3", "1 3 6 3"];
/** Where the server stops counting the claims that share a value. */
const COUNTED = 1000;

/**
 * Connected claims around one, as a picture and a table with the same numbers.
 *
 * The picture is one image for assistive technology. Its circles react to a pointer; by keyboard, the buttons
 * of the table do the same.
 */
export function LinkGraph({ nodes, edges, hubs, onOpen, title = texts.charts.links.title }: Props) {
  const words = texts.charts.links;
  const [area, measured] = useWidth<HTMLDivElement>(440);
  const [active, setActive] = useState<string | null>(null);
  const width = Math.min(Math.max(measured, 240), 520);
  const radius = (nodes.length > FEW ? width / 2 : Math.min(width / 2, 140)) - MARGIN;
  const found = useMemo(() => placed(nodes, edges, radius), [nodes, edges, radius]);
  const center = centerOf(nodes, edges);
  const places = new Map(found.map((each) => [each.key, each]));
  if (center !== null && !places.has(center)) places.set(center, nowhere(center));
  const kinds = [...new Set(edges.map((edge) => edge.kind))].sort();
  const dash = (kind: string) => DASHES[kinds.indexOf(kind) % DASHES.length] ?? "";
  const others = found.filter((each) => each.number > 0);
  const description = words.description(others.length, kinds.map(words.kinds));
  // The picture is as high as what it shows: few claims need not be all around.
  const top = Math.min(0, ...found.map((each) => each.y)) - MARGIN;
  const bottom = Math.max(0, ...found.map((each) => each.y)) + MARGIN;
  // A claim of the same line is named without it.
  const line = center?.split("/")[0];
  return (
    <figure className="chart link-graph" aria-label={title}>
      <div className="link-columns">
        <div>
          <Picture title={title} description={description} width={width} height={bottom - top} area={area}>
            <g transform={`translate(${width / 2} ${-top})`}>
              {edges.map((edge, place) => {
                const from = places.get(edge.from);
                const to = places.get(edge.to);
                if (!from || !to) return null;
                const lit = active !== null && (edge.from === active || edge.to === active);
                return (
                  <line
                    // biome-ignore lint/suspicious/noArrayIndexKey: two edges may have the same ends and kind
                    key={place}
                    className={`link-edge link-kind-${kinds.indexOf(edge.kind) % DASHES.length} ${lit ? "lit" : ""}`}
                    strokeDasharray={dash(edge.kind)}
                    x1={from.x}
                    y1={from.y}
                    x2={to.x}
                    y2={to.y}
                  />
                );
              })}
              {center !== null && (
                <g className="link-node link-center">
                  <circle r={NODE + 4} />
                  <circle r={5} className="link-core" />
                  <title>{words.here}</title>
                </g>
              )}
              {others.map((each) => (
                // biome-ignore lint/a11y/noStaticElementInteractions: the picture is one image for assistive technology
                <g
                  key={each.key}
                  className={`link-node link-${each.node.verdict ?? "none"} ${active === each.key ? "lit" : ""}`}
                  transform={`translate(${each.x} ${each.y})`}
                  onClick={() => onOpen(each.node)}
                  onPointerEnter={() => setActive(each.key)}
                  onPointerLeave={() => setActive(null)}
                >
                  <title>{nodeWords(each)}</title>
                  <Shape verdict={each.node.verdict ?? null} />
                  <text textAnchor="middle" dy="0.35em">
                    {each.number}
                  </text>
                </g>
              ))}
            </g>
          </Picture>
          <ul className="chart-legend">
            {kinds.map((kind) => (
              <li key={kind}>
                <svg width="28" height="10" aria-hidden="true">
                  <line
                    className={`link-edge link-kind-${kinds.indexOf(kind) % DASHES.length}`}
                    strokeDasharray={dash(kind)}
                    x1="0"
                    x2="28"
                    y1="5"
                    y2="5"
                  />
                </svg>
                {words.kinds(kind)}
              </li>
            ))}
            {(["fraud", "not_fraud", "none"] as const).map((verdict) => (
              <li key={verdict}>
                <svg width="16" height="16" viewBox="-15 -15 30 30" aria-hidden="true">
                  <g className={`link-node link-${verdict}`}>
                    <Shape verdict={verdict === "none" ? null : verdict} />
                  </g>
                </svg>
                {words.verdicts[verdict]}
              </li>
            ))}
          </ul>
        </div>
        <div>
          <DataTable
            caption={title}
            hideCaption
            columns={[
              { name: words.number },
              { name: words.claim },
              { name: words.connectedBy },
              { name: words.steps, numeric: true },
              { name: words.state },
            ]}
            rows={others.map((each) => ({
              key: each.key,
              cells: [
                String(each.number),
                <button
                  key="open"
                  type="button"
                  className="link mono"
                  aria-label={words.open(each.key)}
                  onClick={() => onOpen(each.node)}
                  onFocus={() => setActive(each.key)}
                  onBlur={() => setActive(null)}
                  onPointerEnter={() => setActive(each.key)}
                  onPointerLeave={() => setActive(null)}
                >
                  {each.node.line === line ? each.node.claim_id : each.key}
                </button>,
                connection(each, edges, center, places),
                String(each.node.hop),
                stateWords(each.node),
              ],
            }))}
          />
          {hubs.length > 0 && (
            <div className="link-hubs">
              <strong>{words.hubs(hubs.length)}</strong>
              <ul>
                {hubs.map((hub) => (
                  <li key={`${hub.kind} ${hub.from}`}>
                    {words.hub(words.kinds(hub.kind), counted(hub.claims))}
                    {hub.from !== center && ` (${words.via(hub.from)})`}
                  </li>
                ))}
              </ul>
            </div>
          )}
        </div>
      </div>
    </figure>
  );
}

/** Verdicts differ by shape, not by colour alone. */
function Shape({ verdict }: { readonly verdict: string | null }) {
  if (verdict === "fraud") {
    const half = NODE + 3;
    return <path d={`M0 ${-half}L${half} 0L0 ${half}L${-half} 0Z`} />;
  }
  if (verdict === "not_fraud")
    return <rect x={-NODE + 1} y={-NODE + 1} width={2 * NODE - 2} height={2 * NODE - 2} rx="3" />;
  return <circle r={NODE} />;
}

function nowhere(key: string): PlacedNode {
  const [line = "", ...rest] = key.split("/");
  const node = { line, claim_id: rest.join("/"), hop: 0 };
  return { key, node, number: 0, x: 0, y: 0, parent: null, kinds: [] };
}

function counted(claims: number): string {
  return claims < COUNTED ? count(claims) : texts.charts.links.atLeast(count(claims));
}

function stateWords(node: LinkNode): string {
  const words = texts.charts.links;
  if (node.verdict) return words.verdicts[node.verdict as keyof typeof words.verdicts] ?? node.verdict;
  if (node.state) return words.states[node.state as keyof typeof words.states] ?? node.state;
  return words.verdicts.none;
}

function nodeWords(each: PlacedNode): string {
  return `${each.number}: ${each.key}, ${each.kinds.map(texts.charts.links.kinds).join(", ")}, ${stateWords(each.node)}`;
}

function connection(
  each: PlacedNode,
  edges: readonly LinkEdge[],
  center: string | null,
  places: ReadonlyMap<string, PlacedNode>,
): string {
  const words = texts.charts.links;
  const own = edges.filter(
    (edge) =>
      (edge.from === each.key && edge.to === each.parent) ||
      (edge.to === each.key && edge.from === each.parent),
  );
  const named = each.kinds.map((kind) => {
    const distance = own.find((edge) => edge.kind === kind)?.distance;
    return kind === "photo" && distance !== null && distance !== undefined
      ? `${words.kinds(kind)} (${words.distance(distance)})`
      : words.kinds(kind);
  });
  const parent = each.parent === null || each.parent === center ? undefined : places.get(each.parent);
  return [named.join(", "), parent ? words.viaNumber(parent.number) : ""].filter(Boolean).join(" ");
}
