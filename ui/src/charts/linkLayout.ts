/** Places of connected claims around one: each hop on its own ring, beside the claim that leads there. */

export interface LinkNode {
  readonly line: string;
  readonly claim_id: string;
  readonly case_id?: string | null;
  readonly state?: string | null;
  readonly verdict?: string | null;
  readonly received_at?: string | null;
  readonly hop: number;
}

export interface LinkEdge {
  /** `line/claim_id`, as is `to`. */
  readonly from: string;
  readonly to: string;
  /** A group of columns, or `photo`. */
  readonly kind: string;
  readonly distance?: number | null;
}

export interface LinkHub {
  readonly kind: string;
  readonly claims: number;
  readonly from: string;
}

export interface PlacedNode {
  readonly key: string;
  readonly node: LinkNode;
  /** 0 for the claim itself, then 1 and up in the order of the table. */
  readonly number: number;
  readonly x: number;
  readonly y: number;
  /** The neighbour that is nearer to the centre, and by which kinds it is connected. */
  readonly parent: string | null;
  readonly kinds: readonly string[];
}

export function keyOf(node: { readonly line: string; readonly claim_id: string }): string {
  return `${node.line}/${node.claim_id}`;
}

/** Returns the nodes with their places; the centre is at 0, 0 and `radius` is that of the outer ring. */
export function placed(nodes: readonly LinkNode[], edges: readonly LinkEdge[], radius: number): PlacedNode[] {
  const known = new Map(nodes.map((node) => [keyOf(node), node]));
  const neighbours = new Map<string, LinkEdge[]>();
  for (const edge of edges) {
    for (const end of [edge.from, edge.to]) {
      const found = neighbours.get(end);
      if (found) found.push(edge);
      else neighbours.set(end, [edge]);
    }
  }
  const center = centerOf(nodes, edges);
  const hops = (key: string) => (key === center ? 0 : (known.get(key)?.hop ?? 1));
  const parents = new Map<string, { parent: string | null; kinds: string[] }>();
  for (const key of known.keys()) {
    const nearer = (neighbours.get(key) ?? [])
      .map((edge) => ({ other: edge.from === key ? edge.to : edge.from, kind: edge.kind }))
      .filter((each) => hops(each.other) < hops(key));
    const parent = nearer[0]?.other ?? null;
    const kinds = [
      ...new Set(nearer.filter((each) => each.other === parent).map((each) => each.kind)),
    ].sort();
    parents.set(key, { parent, kinds });
  }
  const order = (one: LinkNode, two: LinkNode) =>
    (parents.get(keyOf(one))?.kinds[0] ?? "").localeCompare(parents.get(keyOf(two))?.kinds[0] ?? "") ||
    keyOf(one).localeCompare(keyOf(two));
  const others = nodes.filter((node) => keyOf(node) !== center);
  const first = others.filter((node) => node.hop <= 1).sort(order);
  const second = others.filter((node) => node.hop > 1);
  // Each claim of the first ring gets an angle that grows with the claims behind it, so that rings do not tangle.
  const behind = new Map(
    first.map((node) => [
      keyOf(node),
      second.filter((each) => parents.get(keyOf(each))?.parent === keyOf(node)).sort(order),
    ]),
  );
  const weights = first.map((node) => Math.max(1, behind.get(keyOf(node))?.length ?? 0));
  const turn =
    (2 * Math.PI) /
    Math.max(
      weights.reduce((sum, weight) => sum + weight, 0),
      1,
    );
  const inner = second.length > 0 ? radius * 0.55 : radius;
  const result: Omit<PlacedNode, "number">[] = [];
  const put = (node: LinkNode, angle: number, distance: number) => {
    const key = keyOf(node);
    const { parent, kinds } = parents.get(key) ?? { parent: null, kinds: [] };
    result.push({ key, node, x: Math.cos(angle) * distance, y: Math.sin(angle) * distance, parent, kinds });
  };
  let start = -Math.PI / 2;
  const rest = second.filter((node) => !behind.has(parents.get(keyOf(node))?.parent ?? ""));
  first.forEach((node, place) => {
    const width = turn * (weights[place] ?? 1);
    put(node, start + width / 2, inner);
    const children = behind.get(keyOf(node)) ?? [];
    for (const [index, child] of children.entries()) {
      put(child, start + (width * (index + 0.5)) / children.length, radius);
    }
    start += width;
  });
  for (const [place, node] of rest.entries()) {
    put(node, -Math.PI / 2 + (2 * Math.PI * place) / rest.length, radius);
  }
  const numbered = result.map((each, place) => ({ ...each, number: place + 1 }));
  const middle = center === null ? undefined : known.get(center);
  return middle
    ? [{ key: keyOf(middle), node: middle, number: 0, x: 0, y: 0, parent: null, kinds: [] }, ...numbered]
    : numbered;
}

/** Returns the key of the claim that all others are connected to, also if it is not among the nodes. */
export function centerOf(nodes: readonly LinkNode[], edges: readonly LinkEdge[]): string | null {
  const own = nodes.find((node) => node.hop === 0);
  if (own) return keyOf(own);
  const known = new Set(nodes.map(keyOf));
  for (const edge of edges) {
    for (const end of [edge.from, edge.to]) if (!known.has(end)) return end;
  }
  return null;
}
