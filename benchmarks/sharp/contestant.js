// Display copies by sharp. Requests and answers are lines of JSON.
//   ["shrink", [path, ...]] -> {"seconds": s}      ["display", path, to] -> null      ["versions"] -> {...}

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

const [longest, quality] = process.argv.slice(2).map(Number);
sharp.concurrency(1); // as the other contestants
sharp.cache(false); // every photo is repeated in every round

const shrunk = (path) =>
  sharp(readFileSync(path))
    .autoOrient()
    .resize({ width: longest, height: longest, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality })
    .toBuffer();

async function answerTo([request, ...parameters]) {
  switch (request) {
    case "shrink": {
      const begun = process.hrtime.bigint();
      for (const path of parameters[0]) await shrunk(path);
      return { seconds: Number(process.hrtime.bigint() - begun) / 1e9 };
    }
    case "display":
      writeFileSync(parameters[1], await shrunk(parameters[0]));
      return null;
    case "versions":
      return { sharp: sharp.versions.sharp, libvips: sharp.versions.vips, node: process.versions.node };
    default:
      throw new Error(`unknown request ${request}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answerTo(JSON.parse(line))));
}
