import { describe, expect, it } from "vitest";
import { sealedPage, themed } from "./sealedPage";

const page = (body: string, head = "") =>
  `<!doctype html><html lang="en"><head>${head}</head><body>${body}</body></html>`;

describe("a stored page", () => {
  it("loses everything that runs, loads or leads elsewhere", () => {
    const { html } = sealedPage(
      page(
        `<p onclick="steal()">Text</p><script>steal()</script><iframe src="https://a.example"></iframe>
         <img src="https://a.example/x.png" onerror="steal()"><img alt="plot" src="data:image/png;base64,AA==">
         <a href="javascript:steal()">one</a><a href="https://a.example" target="_top">two</a><a href="#below">three</a>
         <form action="https://a.example"><input></form><object data="x"></object>
         <svg><a xlink:href="https://a.example"><text onload="steal()">x</text></a><use href="#mark"/></svg>`,
        `<base href="https://a.example/"><meta http-equiv="refresh" content="0;url=https://a.example"><link rel="stylesheet" href="https://a.example/x.css">`,
      ),
    );
    expect(html).not.toMatch(/a\.example|steal|javascript:|<script|<iframe|<form|<meta|<link|target=/);
    expect(html).toContain("<a>three</a>");
    expect(html).toContain('<img alt="plot" src="data:image/png;base64,AA==">');
    expect(html).toContain('<use href="#mark">');
    expect(html).not.toContain("<base");
  });

  it("keeps its style apart, because the policy of the application ignores it in the page", () => {
    const { html, css } = sealedPage(
      page(
        '<p style="color: red">style="kept"</p>',
        '<style>p { margin: 0 } @import "x.css"; p { background: url(https://a.example) }</style>',
      ),
    );
    expect(html).not.toMatch(/<style|\sstyle=/);
    expect(html).toContain('<p data-style="color: red">style="kept"</p>');
    expect(css).toContain("p { margin: 0 }");
    expect(css).not.toMatch(/@import|a\.example/);
  });

  it("has the theme that the person chose, or that of the system", () => {
    const css = "@media (prefers-color-scheme: dark) { p { color: white } }";
    expect(themed(css, "system")).toBe(css);
    expect(themed(css, "dark")).toContain("@media (width >= 0) {");
    expect(themed(css, "light")).toContain("@media (width < 0) {");
  });
});
