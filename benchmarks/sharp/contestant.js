// The display copy by sharp: requests come as lines of JSON, and each is answered with one.
//   ["shrink", [path, ...]] -> {"seconds": s}      ["display", path, to] -> null      ["versions"] -> {...}

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

const [longest, quality] = process.argv.slice(2).map(Number);
sharp.concurrency(1); // as the others, who have one process each
sharp.cache(false); // every photo comes again in every round

const shrunk = (path) =>
  sharp(readFileSync(path))
    .autoOrient()
    .resize({ width: longest, height: longest, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality })
    .toBuffer();

async function answered([step, ...given]) {
  switch (step) {
    case "shrink": {
      const begun = process.hrtime.bigint();
      for (const path of given[0]) await shrunk(path);
      return { seconds: Number(process.hrtime.bigint() - begun) / 1e9 };
    }
    case "display":
      writeFileSync(given[1], await shrunk(given[0]));
      return null;
    case "versions":
      return { sharp: sharp.versions.sharp, libvips: sharp.versions.vips, node: process.versions.node };
    default:
      throw new Error(`there is no step ${step}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answered(JSON.parse(line))));
}
