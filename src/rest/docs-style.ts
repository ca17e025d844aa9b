/** The looks of `/docs`, light and dark. */
export const docsStyle = `
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5a6675; --page: #fff; --panel: #f5f7f9; --line: #dde3e9; --link: #0b5cad;
  --get: #0b6e4f; --post: #0b5cad; --put: #8a5a00; --delete: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa7b5; --page: #12171d; --panel: #1a2129; --line: #2c3640;
  --link: #7db8f5; --get: #5ccb9f; --post: #7db8f5; --put: #e3b15a; --delete: #f2938c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 6rem; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 .5rem; } h1 small { color: var(--soft); font-size: 1rem; font-weight: 400; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; } h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
h4 { font-size: .85rem; margin: 1rem 0 .35rem; color: var(--soft); text-transform: uppercase; letter-spacing: .04em; }
p { margin: .35rem 0 .75rem; max-width: 44rem; }
a { color: var(--link); } :focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
code { font: .9em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 1.25rem 0 0; padding: 0; }
details { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; padding: 0 1rem; }
details[open] { padding-bottom: 1rem; }
summary { cursor: pointer; margin: 0 -1rem; padding: .65rem 1rem; display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
summary::-webkit-details-marker { display: none; }
summary b { flex: none; font: 700 .8rem ui-monospace, monospace; min-width: 4rem; } summary span { color: var(--soft); }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); } .delete { color: var(--delete); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--line); font-weight: 400; }
th { white-space: nowrap; }
`;
