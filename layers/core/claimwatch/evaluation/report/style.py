"""Style of the page: light and dark colours, one column, and wide tables that scroll by themselves."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --box: #ffffff; --text: #1b1f26; --quiet: #59616e; --rule: #dfe3e8; --soft: #eef1f4;
  --accent: #1f6f8b; --accent-soft: #b9d9e4;
  --alarm: #b3261e; --alarm-soft: #fbe4e2; --watch: #8a5a00; --watch-soft: #fbefd5;
  --ok: #1f7a4d; --ok-soft: #e0f2e8; --none: #5d6572; --none-soft: #e9ecf0;
  --h0: #f1f4f7; --h1: #dcebf0; --h2: #f8dfb6; --h3: #f0ab83; --h4: #b8402e; --h4-text: #ffffff;
}
@media (prefers-color-scheme: dark) { :root {
  --page: #13161a; --box: #1b1f25; --text: #e6e9ed; --quiet: #a2abb8; --rule: #313842; --soft: #252b33;
  --accent: #6fbcd6; --accent-soft: #2c4f5c;
  --alarm: #ff9a90; --alarm-soft: #43211f; --watch: #f0c060; --watch-soft: #3d3018;
  --ok: #74cf9f; --ok-soft: #1b3528; --none: #a2abb8; --none-soft: #2a3038;
  --h0: #21262d; --h1: #22404b; --h2: #57431a; --h3: #7d4426; --h4: #b84a3b; --h4-text: #ffffff;
} }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.75rem 1.25rem 4rem; }
h1 { font-size: 1.65rem; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 0; letter-spacing: -.005em; }
h3 { font-size: .95rem; margin: 1.4rem 0 .4rem; }
p { margin: .35rem 0; max-width: 46rem; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
code { font: .87em/1.5 ui-monospace, monospace; background: var(--soft); border-radius: 4px; padding: .1em
  .35em;
  overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.under { color: var(--quiet); margin: .3rem 0 0; }
.box { background: var(--box); border: 1px solid var(--rule); border-radius: 10px; padding: 1.1rem 1.25rem;
  margin-top: 1.1rem; }
.box > header { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: center; }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: .9rem 0 0; padding: 0; list-style:
  none; }
.facts b { font-weight: 600; }
.badge { display: inline-flex; align-items: center; gap: .35em; font-size: .8rem; font-weight: 600;
  line-height: 1;
  border-radius: 99px; padding: .32em .7em; white-space: nowrap; color: var(--none); background:
  var(--none-soft); }
.badge::before { content: "\\2013"; font-weight: 700; }
.badge.alarm, .badge.missing { color: var(--alarm); background: var(--alarm-soft); }
.badge.alarm::before { content: "\\25B2"; font-size: .85em; } .badge.missing::before { content: "?"; }
.badge.watch { color: var(--watch); background: var(--watch-soft); } .badge.watch::before { content:
  "\\25C6"; }
.badge.ok { color: var(--ok); background: var(--ok-soft); } .badge.ok::before { content: "\\2713"; }
.first { list-style: none; counter-reset: thing; margin: .9rem 0 0; padding: 0; display: grid; gap: .8rem; }
.first > li { counter-increment: thing; border: 1px solid var(--rule); border-left: 4px solid var(--none);
  border-radius: 8px; padding: .8rem 1rem; }
.first > li.alarm, .first > li.missing { border-left-color: var(--alarm); }
.first > li.watch { border-left-color: var(--watch); }
.first h3 { margin: 0; font-size: 1rem; }
.first h3 .badge { margin-left: .55rem; }
.first h3::before { content: counter(thing) ". "; color: var(--quiet); }
.first p { max-width: none; }
.calm { display: flex; gap: .6rem; align-items: center; margin: .8rem 0 0; }
.checks { display: grid; grid-template-columns: repeat(auto-fill, minmax(15.5rem, 1fr)); gap: .7rem;
  margin-top: .9rem; }
.checks > a { display: block; text-decoration: none; color: inherit; border: 1px solid var(--rule);
  border-radius: 8px;
  padding: .65rem .8rem; }
.checks > a:hover { border-color: var(--accent); }
.checks strong { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center;
  gap: .3rem .5rem; font-weight: 600; }
.checks small { display: block; color: var(--quiet); font-size: .82rem; margin-top: .25rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: .5rem
  1.75rem; }
figure { margin: .9rem 0 0; min-width: 0; }
figcaption { font-weight: 600; font-size: .9rem; } figcaption small { display: block; font-weight: 400;
  color: var(--quiet); font-size: .82rem; line-height: 1.4; }
figure svg { display: block; width: 100%; max-width: 34rem; height: auto; margin-top: .35rem; }
.wide { overflow-x: auto; margin: .6rem 0 0; }
.late { direction: rtl; } /* shows the newest week first when it scrolls */
.late > table { direction: ltr; margin: 0 auto 0 0; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: left; padding: .34rem .9rem .34rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: middle; }
tr > :last-child { padding-right: 0; }
tbody tr:last-child > * { border-bottom: 0; }
th[scope=col] { color: var(--quiet); font-weight: 600; font-size: .8rem; white-space: nowrap; }
th[scope=row] { font-weight: 500; min-width: 8rem; overflow-wrap: break-word; }
td.n { text-align: right; white-space: nowrap; } th.n { text-align: right; }
td.span { white-space: nowrap; } td.chart { width: 11rem; min-width: 9rem; }
td.chart svg { display: block; width: 100%; min-width: 9rem; height: 1.5rem; }
details { margin-top: .8rem; } summary { cursor: pointer; color: var(--accent); font-size: .88rem; width:
  fit-content; }
ul.plain { margin: .5rem 0 0; padding-left: 1.15rem; } ul.plain li { margin: .2rem 0; }
dl.commands { display: grid; grid-template-columns: minmax(0, 1fr); gap: .15rem; margin: .7rem 0 0; }
dl.commands dt { color: var(--quiet); font-size: .86rem; margin-top: .45rem; } dl.commands dd { margin: 0; }
.heat { width: auto; border-spacing: 2px; border-collapse: separate; }
.heat th, .heat td { border: 0; }
.heat td { text-align: center; min-width: 3.7rem; padding: .32rem .3rem; white-space: nowrap;
  border-radius: 4px; font-size:
  .8rem; }
.heat th[scope=col] { text-align: center; padding: .2rem .3rem; }
.heat th[scope=col]:first-child { position: sticky; left: 0; background: var(--box); text-align: left;
  padding-left: 0; }
.heat th[scope=row] { position: sticky; left: 0; background: var(--box); padding: .2rem .8rem .2rem 0;
  max-width: 13rem;
  min-width: 6.5rem; z-index: 1; }
.heat .new { border-left: 2px dashed var(--quiet); }
.h0 { background: var(--h0); } .h1 { background: var(--h1); } .h2 { background: var(--h2); }
.h3 { background: var(--h3); } .h4 { background: var(--h4); color: var(--h4-text); }
.hx { color: var(--quiet); }
.heat td b { font-weight: 700; } .key { display: flex; flex-wrap: wrap; gap: .3rem .9rem; font-size: .82rem;
  color: var(--quiet); margin: .6rem 0 0; padding: 0; list-style: none; }
.key span { display: inline-block; width: 1.6em; height: 1em; border-radius: 3px; vertical-align: -.12em;
  margin-right: .35em; }
svg text { font: 11px system-ui, sans-serif; fill: var(--quiet); }
svg .value { fill: var(--text); font-weight: 600; }
svg .axis { stroke: var(--rule); stroke-width: 1; } svg .bound { stroke: var(--alarm); stroke-width: 1.5;
  stroke-dasharray: 4 3; }
svg .even { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 3 3; }
svg .bar { fill: var(--accent-soft); } svg .bar.first { fill: var(--accent); }
svg .whisker { stroke: var(--text); stroke-width: 1.5; } svg .line { fill: none; stroke: var(--accent);
  stroke-width: 2; }
svg .band { fill: var(--accent-soft); opacity: .55; } svg .dot { fill: var(--accent); }
svg .dot.alarm, svg .whisker.alarm { fill: var(--alarm); stroke: var(--alarm); }
svg .dot.watch, svg .whisker.watch { fill: var(--watch); stroke: var(--watch); }
svg .span { stroke: var(--accent); stroke-width: 2; } svg .span.alarm { stroke: var(--alarm); }
svg .span.watch { stroke: var(--watch); }
svg .promise { fill: none; stroke: var(--text); stroke-width: 1.5; }
footer { color: var(--quiet); font-size: .86rem; margin-top: 1.5rem; }
@media (max-width: 40rem) {
  main { padding: 1.1rem .75rem 3rem; } .box { padding: .9rem .85rem; border-radius: 8px; }
  h1 { font-size: 1.35rem; } th, td { padding-right: .7rem; }
}
@media print { body { background: none; } .box { break-inside: avoid; } }
"""
