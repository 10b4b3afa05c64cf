/**
 * Makes a stored page of HTML fit for a frame: no scripts, no requests, no links out of it.
 *
 * The frame is sandboxed and inherits the content security policy of the application, which runs no script of it
 * anyway. The policy also ignores `<style>` and `style=""`, so the rules are returned apart: whoever shows the page
 * gives them to the document as style sheets made by script, which the policy allows.
 */

export interface SealedPage {
  /** A whole document, without style. */
  readonly html: string;
  /** Its rules, in their order. */
  readonly css: string;
}

const FORBIDDEN =
  "script, style, iframe, frame, object, embed, link, meta, base, form, portal, template, noscript";

/** Marks elements whose `style` the shown document gets back. */
export const STYLE = "data-style";

function isHarmless(element: Element, name: string, value: string): boolean {
  if (name.startsWith("on")) return false;
  if (name === "srcset" || name === "ping" || name === "target" || name === "formaction") return false;
  // A drawing may use its own parts. A link leads nowhere: a frame resolves even #place against the address of the
  // application, whose policy allows no <base> that would correct it.
  if (name === "href" || name === "xlink:href")
    return value.startsWith("#") && element.localName.toLowerCase() !== "a";
  if (name === "src") return /^data:image\/(png|jpeg|gif|webp);base64,/.test(value);
  return name !== "style" && name !== "action" && name !== "background" && name !== "poster";
}

export function sealedPage(html: string): SealedPage {
  const { bare, css } = undressed(html);
  const page = new DOMParser().parseFromString(bare, "text/html");
  for (const element of page.querySelectorAll(FORBIDDEN)) element.remove();
  for (const element of page.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      if (!isHarmless(element, name.toLowerCase(), value.trim())) element.removeAttribute(name);
    }
  }
  return { html: `<!doctype html>${page.documentElement.outerHTML}`, css: withoutRequests(css) };
}

/** Takes the style out of a page before it is parsed: the policy would report each part of it as a violation. */
function undressed(html: string): { bare: string; css: string } {
  const rules: string[] = [];
  const bare = html
    .replace(/<style\b[^>]*>([\s\S]*?)<\/style\s*>/gi, (_, css: string) => {
      rules.push(css);
      return "";
    })
    .replace(/<[a-z][^<>]*>/gi, (tag) => tag.replace(/(\s)style(\s*=)/gi, `$1${STYLE}$2`));
  return { bare, css: rules.join("\n") };
}

/** Takes rules that load something out of a style sheet; the policy would refuse them, too. */
function withoutRequests(css: string): string {
  return css.replace(/@import[^;]*;?/gi, "").replace(/url\([^)]*\)/gi, "none");
}

/** Returns rules for the theme that the person chose; without a choice, the page follows the system by itself. */
export function themed(css: string, chosen: "system" | "light" | "dark"): string {
  if (chosen === "system") return css;
  const rules = css.replace(/\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)/gi, (_, scheme: string) =>
    scheme.toLowerCase() === chosen ? "(width >= 0)" : "(width < 0)",
  );
  return `${rules}\n:root { color-scheme: ${chosen}; }`;
}

/** Gives a shown document its style; it belongs to this origin and runs no script. */
export function dress(shown: Document, css: string): void {
  const Sheet = (shown.defaultView as (Window & { CSSStyleSheet?: typeof CSSStyleSheet }) | null)
    ?.CSSStyleSheet;
  if (Sheet) {
    const sheet = new Sheet();
    sheet.replaceSync(css);
    shown.adoptedStyleSheets = [sheet];
  }
  for (const element of shown.querySelectorAll<HTMLElement>(`[${STYLE}]`)) {
    element.style.cssText = element.getAttribute(STYLE) ?? "";
  }
}
