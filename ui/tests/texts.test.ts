import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/** Attributes whose values a person reads or hears. */
const READ = new Set([
  "alt",
  "aria-description",
  "aria-label",
  "heading",
  "label",
  "placeholder",
  "summary",
  "title",
]);

/** Returns what a component shows by itself: text between its tags, and the values of attributes that people read. */
function ownWords(name: string, source: string): string[] {
  const found: string[] = [];
  const keep = (text: string) => /\p{Letter}{2}/u.test(text) && found.push(text.trim());
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) keep(node.text);
    const shown =
      ts.isJsxExpression(node) && !(ts.isJsxAttribute(node.parent) && !READ.has(node.parent.name.getText()));
    if (shown && node.expression && ts.isStringLiteralLike(node.expression)) keep(node.expression.text);
    if (
      ts.isJsxAttribute(node) &&
      READ.has(node.name.getText()) &&
      node.initializer &&
      ts.isStringLiteral(node.initializer)
    )
      keep(node.initializer.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX));
  return found;
}

describe("texts that people read", () => {
  it("are in the catalogue, so that another language is one more file", () => {
    const source = new URL("../src/", import.meta.url);
    const components = readdirSync(source, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".tsx") && !path.endsWith(".test.tsx"))
      .map((path) => [path, ownWords(path, readFileSync(new URL(path, source), "utf8"))] as const);
    expect(components.length).toBeGreaterThan(40);
    expect(components.filter(([, words]) => words.length > 0)).toEqual([]);
  });

  it.each([
    "<p>No case waits</p>",
    '<button aria-label="Next case">{sign}</button>',
    '<input placeholder={"Claim id"} />',
    "<p>{`No case waits`}</p>",
  ])("are found in %s", (planted) => {
    expect(ownWords("planted.tsx", planted)).toHaveLength(1);
  });

  it("are not what names and classes are", () => {
    expect(ownWords("none.tsx", '<p className="warning" id={"note"}>{texts.none} · 1</p>')).toEqual([]);
  });
});
