// The style sheet of the status page, by light and dark scheme.

/** A test checks the contrast: 4.5 for text, 3 for lines (WCAG 1.4.3, 1.4.11). */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f4f6f8, #11161c); --surface: light-dark(#ffffff, #1a2129);
  --text: light-dark(#1a2430, #e3e8ee); --muted: light-dark(#556270, #9eaab7); --line: light-dark(#dfe4ea, #2c3641);
  --link: light-dark(#1c5a9e, #8dbcf2); --good: light-dark(#1b6b43, #80cfa3);
  --warning: light-dark(#855500, #e6bd6c); --bad: light-dark(#b0261f, #ff9f96);
}
* { box-sizing: border-box; margin: 0; padding: 0; }
html { background: var(--ground); color: var(--text); font: 0.9375rem/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { max-width: 80rem; margin: 0 auto; padding: 1.25rem clamp(1rem, 3vw, 2.5rem) 3rem; }
body, main, .result { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; }
h1, h2, h3, dd, li, td, th, p { overflow-wrap: anywhere; unicode-bidi: isolate; }
h1 { margin: 0.75rem 0; font-size: 1.75rem; line-height: 1.2; }
h2, h3 { margin-bottom: 0.375rem; font-size: 1.0625rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
code, pre { font: 0.8125rem/1.55 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }

.good { color: var(--good); }
.warning { color: var(--warning); }
.bad { color: var(--bad); }
.muted, dt, caption, thead th, label { color: var(--muted); font-weight: 400; }
dt, caption, thead th, label, .pill, .copy { font-size: 0.8125rem; }
.pill { display: inline-block; padding: 0 0.625rem; border: 1px solid; border-radius: 1rem; font-weight: 600; white-space: nowrap; }
.bar, .facts, form { display: flex; flex-wrap: wrap; align-items: end; gap: 0.25rem 1.5rem; }
.bar { justify-content: space-between; }

section { min-width: 0; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 8px; background: var(--surface); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { position: sticky; left: 0; max-width: calc(100vw - 5rem); padding-bottom: 0.5rem; text-align: left; }
th, td { padding: 0.375rem 1.25rem 0.375rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: baseline; white-space: nowrap; }
td p { width: min(20rem, 60vw); white-space: normal; }
pre { padding: 0.75rem 4.5rem 0.75rem 0.75rem; border: 1px solid var(--line); background: var(--ground); white-space: pre-wrap; overflow-wrap: anywhere; }

form { gap: 0.75rem 1rem; margin: 0.75rem 0; }
label { display: block; }
form p, input, select { max-width: 100%; }
input, select, button { padding: 0.4375rem 0.625rem; border: 1px solid var(--muted); border-radius: 6px; background: var(--surface); color: inherit; font: inherit; }
input, select { min-width: 11rem; }
button { border-color: var(--link); background: var(--link); color: var(--surface); cursor: pointer; }
.copyable { position: relative; }
.copy { padding: 0 0.5rem; background: var(--surface); color: var(--link); }
pre + .copy { position: absolute; top: 0.5rem; right: 0.5rem; }
code + .copy { margin-left: 0.5rem; }
`;
