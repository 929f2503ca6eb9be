// The style sheet of the status page, by light and dark scheme.

/** A test checks the contrast: 4.5 for text, 3 for lines and bars (WCAG 1.4.3, 1.4.11). */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f6f8; --surface: #ffffff; --text: #1a2430; --muted: #556270; --line: #dfe4ea; --edge: #8793a0;
  --link: #1c5a9e; --good: #1b6b43; --warning: #855500; --bad: #b0261f;
  --good-ground: #e7f3ec; --warning-ground: #fcf1da; --bad-ground: #fceae8;
  --token: #4f87c2; --refused: #b17a12; --error: #c4352c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11161c; --surface: #1a2129; --text: #e3e8ee; --muted: #9eaab7; --line: #2c3641; --edge: #72808f;
    --link: #8dbcf2; --good: #80cfa3; --warning: #e6bd6c; --bad: #ff9f96;
    --good-ground: #17322a; --warning-ground: #372d16; --bad-ground: #43211f;
    --token: #5b97d4; --refused: #cf9c40; --error: #ec7268;
  }
}
* { box-sizing: border-box; margin: 0; padding: 0; }
html { background: var(--ground); color: var(--text); font: 0.9375rem/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { max-width: 80rem; margin: 0 auto; padding: 1.25rem clamp(1rem, 3vw, 2.5rem) 3rem; font-variant-numeric: tabular-nums; }
h1, h2, h3, dd, li, td, th, p { overflow-wrap: anywhere; unicode-bidi: isolate; }
ul { list-style: none; }
a { color: var(--link); text-underline-offset: 0.2em; text-decoration-thickness: 1px; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
code, pre { font: 0.8125rem/1.55 ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
section, article, li { scroll-margin-top: 1rem; }

header { margin-bottom: 2rem; }
.bar { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.25rem 1rem; }
.product, .facts dd { font-weight: 600; }
.refresh a { margin-left: 0.75rem; }
h1 { display: flex; align-items: center; gap: 0.75rem; margin: 1.5rem 0 1.25rem; font-size: clamp(1.5rem, 1.2rem + 1.5vw, 2rem); font-weight: 650; line-height: 1.2; letter-spacing: -0.015em; }
h2 { font-size: 1.0625rem; font-weight: 650; line-height: 1.4; }
h3 { font-size: 1rem; font-weight: 650; }
.icon { flex: none; width: 1em; height: 1em; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
h1 .icon { width: 1.75em; height: 1.75em; padding: 0.35em; border-radius: 50%; }
h1.good .icon, .pill.good { color: var(--good); background: var(--good-ground); }
h1.warning .icon, .pill.warning { color: var(--warning); background: var(--warning-ground); }
h1.bad .icon, .pill.bad, .problem { color: var(--bad); background: var(--bad-ground); }

.concerns { display: grid; gap: 0.5rem; margin-bottom: 1.25rem; }
.concerns li { display: grid; grid-template-columns: 6.5rem 1fr; align-items: baseline; gap: 0.5rem; }
.pill { display: inline-flex; white-space: nowrap; align-items: center; gap: 0.375rem; justify-self: start; padding: 0.0625rem 0.625rem 0.0625rem 0.5rem; border: 1px solid transparent; border-radius: 1rem; font-size: 0.8125rem; font-weight: 600; line-height: 1.5; }
.product, .refresh, dt, .age, .note, .none, .empty, caption, figcaption { color: var(--muted); }
.facts { display: flex; flex-wrap: wrap; gap: 0.75rem 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.facts dt, .figures dt { font-size: 0.8125rem; }

main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1rem; }
main > .cards { grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); }
.panel { min-width: 0; padding: 1.125rem 1.25rem; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); }
.panel > h2 { margin-bottom: 0.375rem; }
.card { container-type: inline-size; }
#providers > .bar, .card > .bar, .card > .problem { margin-bottom: 0.875rem; }
.inside { display: grid; gap: 1rem; }
@container (min-width: 44rem) { .inside { grid-template-columns: 3fr 2fr; gap: 1rem 2.5rem; } .inside > :first-child { grid-row: 1 / 3; } .card .chart svg { height: 9rem; } .card .chart-empty { height: 10.25rem; } .inside .details { align-self: end; } }
:target { border-color: var(--link); }
.note { margin-top: 0.75rem; font-size: 0.8125rem; }
.problem { font-size: 0.875rem; padding: 0.5rem 0.75rem; border-radius: 6px; }
.figures { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.75rem; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.figures dd { font-size: 1.125rem; font-weight: 600; line-height: 1.35; white-space: nowrap; }
.figures .none { font-weight: 400; }
.details { display: grid; gap: 0.25rem; padding-top: 0.875rem; border-top: 1px solid var(--line); font-size: 0.875rem; }
.details div { display: grid; grid-template-columns: 6rem 1fr; gap: 0.5rem; }

.chart svg { display: block; width: 100%; height: 4.5rem; }
.chart .grid, .chart .axis { fill: none; stroke: var(--line); vector-effect: non-scaling-stroke; }
.chart .axis { stroke: var(--edge); }
rect, .legend li { --series: var(--token); fill: var(--series); }
rect.refused, .legend .refused { --series: var(--refused); }
rect.error, .legend .error { --series: var(--error); }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 0.75rem; margin-top: 0.25rem; font-size: 0.75rem; }
.chart-empty { display: grid; place-items: center; height: 5.75rem; border: 1px dashed var(--line); border-radius: 6px; color: var(--muted); font-size: 0.875rem; }
.legend { display: flex; gap: 1rem; color: var(--muted); font-size: 0.8125rem; }
.legend li::before { content: ""; display: inline-block; width: 0.625rem; height: 0.625rem; margin-right: 0.375rem; border-radius: 2px; background: var(--series); forced-color-adjust: none; }

.scroll { container-type: inline-size; overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
caption { position: sticky; left: 0; max-width: 100cqi; padding-bottom: 0.625rem; text-align: left; font-size: 0.8125rem; }
th, td { padding: 0.375rem 1.25rem 0.375rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: baseline; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-top: 0; color: var(--muted); font-size: 0.8125rem; font-weight: 500; }
#calls :is(th, td):is(:nth-child(6), :nth-child(7)) { text-align: right; }
tbody tr:hover { background: var(--ground); }
tbody th, .outcome { font-weight: 500; }
.outcome.refused { color: var(--warning); }
.outcome.bad { color: var(--bad); }
.age { white-space: nowrap; }
pre { margin: 0.75rem 0 0; padding: 0.75rem 0.875rem; border: 1px solid var(--line); border-radius: 6px; background: var(--ground); white-space: pre-wrap; overflow-wrap: anywhere; }

form { display: flex; flex-wrap: wrap; align-items: end; gap: 0.75rem 1rem; margin-top: 0.875rem; }
label { display: block; margin-bottom: 0.25rem; color: var(--muted); font-size: 0.8125rem; }
input { width: 14rem; max-width: 100%; padding: 0.4375rem 0.625rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--surface); color: inherit; font: inherit; }
.button { display: inline-block; padding: 0.4375rem 1rem; border: 1px solid var(--link); border-radius: 6px; background: var(--link); color: var(--surface); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
#try-it .problem, #try-it a.button { margin-top: 0.875rem; }
.result { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.375rem; margin-top: 1.25rem; padding-top: 1.125rem; border-top: 1px solid var(--line); }
.result pre { margin: 0.25rem 0 0.75rem; }
.jwt { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 1rem; align-items: start; }
@media (max-width: 30rem) { th, td { padding-right: 0.75rem; } .concerns li { grid-template-columns: 1fr; gap: 0.125rem; } }
`;
