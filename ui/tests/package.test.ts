import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { describe, expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

interface Chunk {
  type: string;
  fileName: string;
  code: string;
  isEntry: boolean;
  imports: string[];
}

describe("the package", () => {
  it("has at most 7 packages at run time, each of one exact version", () => {
    const { dependencies, devDependencies } = JSON.parse(read("../package.json"));
    expect(Object.keys(dependencies).length).toBeLessThanOrEqual(7);
    for (const version of Object.values({ ...dependencies, ...devDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it("is locked without addresses, so that the environment decides where packages come from", () => {
    const lock = read("../package-lock.json");
    expect(lock).not.toMatch(/"resolved"|https?:\/\/[^"]*\.tgz/);
    const packages: Record<string, { integrity?: string }> = JSON.parse(lock).packages;
    const unverified = Object.entries(packages).filter(([path, { integrity }]) => path && !integrity);
    expect(unverified.map(([path]) => path)).toEqual([]);
  });
});

describe("style sheets", () => {
  it("define each class in one of them, so that a screen does not depend on those that were visited before", () => {
    const sheets = new Map<string, string[]>();
    const source = new URL("../src", import.meta.url);
    const paths = readdirSync(source, { recursive: true, encoding: "utf8" });
    for (const path of paths.filter((one) => one.endsWith(".css"))) {
      const classes = new Set(read(`../src/${path}`).match(/^\.[\w-]+(?= \{)/gm));
      for (const one of classes) sheets.set(one, [...(sheets.get(one) ?? []), path]);
    }
    expect(sheets.size).toBeGreaterThan(100);
    expect([...sheets].filter(([, paths]) => paths.length > 1)).toEqual([]);
  });
});

describe("the build", async () => {
  const result = await build({
    root: new URL("..", import.meta.url).pathname,
    logLevel: "error",
    build: { write: false },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as unknown as {
    output: (Chunk & { source: string })[];
  };
  const chunks = new Map(output.filter((one) => one.type === "chunk").map((one) => [one.fileName, one]));

  it("sends at most 200 kB of JavaScript, compressed, before the first screen", () => {
    const start = new Set<string>();
    const add = (name: string) => {
      if (start.has(name)) return;
      start.add(name);
      chunks.get(name)?.imports.forEach(add);
    };
    for (const chunk of chunks.values()) if (chunk.isEntry) add(chunk.fileName);
    const size = [...start].reduce((sum, name) => sum + gzipSync(chunks.get(name)?.code ?? "").length, 0);
    expect(start.size).toBeGreaterThan(0);
    expect(size).toBeLessThanOrEqual(200_000);
  });

  it("needs nothing that the content security policy forbids", () => {
    const html = String(output.find((one) => one.fileName === "index.html")?.source);
    expect(html).toContain('<script type="module"');
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
    for (const { fileName, source } of output) {
      if (fileName.endsWith(".css")) expect(String(source)).not.toMatch(/url\(\s*["']?(data|https?):/);
    }
    for (const { code } of chunks.values()) expect(code).not.toMatch(/\bnew Function\(|\beval\(/);
  });
});
