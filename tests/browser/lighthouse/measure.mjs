// Measures the desk with Lighthouse's settings for desktops, and prints the scores of each screen as JSON.
// CHROMIUM, DESK, PERSON and PASSWORD say with what, where and as whom; SCREENS is a list of hashes in JSON.
//
// Tokens are in the memory of the page, so a person who loads it signs in. The performance is that of this way:
// from Enter on the sign-in page until the first screen is there with its data. Other screens are looked at as
// they are then.
import { desktopConfig, startFlow } from "lighthouse";
import puppeteer from "puppeteer-core";

const { CHROMIUM, DESK, PERSON, PASSWORD, SCREENS } = process.env;
const flags = ["--no-proxy-server", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])];
const settings = { ...desktopConfig.settings, onlyCategories: ["performance", "accessibility"] };

const browser = await puppeteer.launch({ executablePath: CHROMIUM, args: flags });
try {
  const page = await browser.newPage();
  await page.goto(DESK);
  await page.waitForSelector("[name=username]");
  await page.type("[name=username]", PERSON);
  await page.type("[name=password]", PASSWORD);
  const flow = await startFlow(page, { config: { ...desktopConfig, settings } });
  await flow.navigate(() => page.keyboard.press("Enter"), { name: "first screen, from sign-in" });
  for (const hash of JSON.parse(SCREENS)) {
    await page.evaluate((to) => {
      location.hash = to;
    }, hash);
    await page.waitForFunction(
      (to) => location.hash.startsWith(to) && !/Loading …/.test(document.querySelector("main:has(h1)")?.innerText ?? "Loading …"),
      {},
      hash,
    );
    await flow.snapshot({ name: hash });
  }
  const { steps } = await flow.createFlowResult();
  const measured = steps.map(({ name, lhr }) => ({
    name,
    // A screen as it is has no performance.
    ...(lhr.gatherMode === "navigation" && { performance: lhr.categories.performance.score }),
    accessibility: lhr.categories.accessibility.score,
    address: lhr.finalDisplayedUrl,
    failed: Object.values(lhr.audits)
      .filter(({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== "informative")
      .map(({ id, displayValue }) => (displayValue ? `${id}: ${displayValue}` : id)),
  }));
  console.log(JSON.stringify(measured));
} finally {
  await browser.close();
}
