// The style sheet of the status page, by light and dark scheme.

/** A test checks the contrast: 4.5 for text, 3 for lines (WCAG 1.4.3, 1.4.11). */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f6f8; --surface: #ffffff; --text: #1a2430; --muted: #556270; --line: #dfe4ea; --edge: #8793a0;
  --link: #1c5a9e; --good: #1b6b43; --warning: #855500; --bad: #b0261f;
  --good-ground: #e7f3ec; --warning-ground: #fcf1da; --bad-ground: #fceae8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11161c; --surface: #1a2129; --text: #e3e8ee; --muted: #9eaab7; --line: #2c3641; --edge: #72808f;
    --link: #8dbcf2; --good: #80cfa3; --warning: #e6bd6c; --bad: #ff9f96;
    --good-ground: #17322a; --warning-ground: #372d16; --bad-ground: #43211f;
  }
}
* { box-sizing: border-box; margin: 0; padding: 0; }
html { background: var(--ground); color: var(--text); font: 0.9375rem/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; max-width: 80rem; margin: 0 auto; padding: 1.25rem clamp(1rem, 3vw, 2.5rem) 3rem; }
h1, h2, h3, dd, li, td, th, p { overflow-wrap: anywhere; unicode-bidi: isolate; }
h1 { margin: 0.75rem 0; font-size: 1.75rem; line-height: 1.2; }
h2, h3 { margin-bottom: 0.375rem; font-size: 1.0625rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
code, pre, textarea { font: 0.8125rem/1.55 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
td code { user-select: all; }

.good { color: var(--good); }
.warning { color: var(--warning); }
.bad { color: var(--bad); }
.muted, dt, caption, thead th, label { color: var(--muted); font-weight: 400; }
dt, caption, thead th, label, .pill, .copy { font-size: 0.8125rem; }
.pill { display: inline-block; padding: 0 0.625rem; border-radius: 1rem; font-weight: 600; white-space: nowrap; }
.pill.good { background: var(--good-ground); }
.pill.warning { background: var(--warning-ground); }
.pill.bad { background: var(--bad-ground); }
.bar, .facts, form { display: flex; flex-wrap: wrap; align-items: end; gap: 0.25rem 1.5rem; }
.bar { justify-content: space-between; }
.concerns { margin-bottom: 0.75rem; list-style: none; }
.concerns li { margin-bottom: 0.5rem; }

main, .result { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; }
section { min-width: 0; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 8px; background: var(--surface); scroll-margin-top: 1rem; }
:target { border-color: var(--link); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { position: sticky; left: 0; max-width: calc(100vw - 5rem); padding-bottom: 0.5rem; text-align: left; }
th, td { padding: 0.375rem 1.25rem 0.375rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: baseline; white-space: nowrap; }
tbody th { font-weight: 600; }
pre { padding: 0.75rem 4.5rem 0.75rem 0.75rem; border: 1px solid var(--line); border-radius: 6px; background: var(--ground); white-space: pre-wrap; overflow-wrap: anywhere; }

form { gap: 0.75rem 1rem; margin: 0.75rem 0; }
label { display: block; }
form p, input, select { max-width: 100%; }
input, select { min-width: 11rem; padding: 0.4375rem 0.625rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--surface); color: inherit; font: inherit; }
button { padding: 0.4375rem 1rem; border: 1px solid var(--link); border-radius: 6px; background: var(--link); color: var(--surface); font: inherit; font-weight: 600; cursor: pointer; }
.copyable { position: relative; }
.copy { padding: 0 0.5rem; background: var(--surface); color: var(--link); }
pre + .copy { position: absolute; top: 0.5rem; right: 0.5rem; }
code + .copy { margin-left: 0.5rem; }
`;
