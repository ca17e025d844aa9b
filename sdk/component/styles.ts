/** How the component looks. Constructed, so that a page's Content-Security-Policy needs to allow no inline style. */
const light = `
  --bg: var(--landbridge-background, #f5f6f8);
  --surface: var(--landbridge-surface, #ffffff);
  --tile: var(--landbridge-tile, #e4e9ee);
  --text: var(--landbridge-text, #17202b);
  --muted: var(--landbridge-muted, #55626f);
  --line: var(--landbridge-line, #d3dae1);
  --accent: var(--landbridge-accent, #0b6e69);
  --on-accent: var(--landbridge-on-accent, #ffffff);
  --speaking: var(--landbridge-speaking, #12996b);
  --danger: var(--landbridge-danger, #b3261e);
  --danger-soft: #fbe7e5;
  --warn-soft: #fdf0d5;
  --phone: #8a5200;
  --phone-soft: #fbe7c6;
  --shadow: 0 8px 28px rgb(15 25 35 / 18%);
  color-scheme: light;
`;
const dark = `
  --bg: var(--landbridge-background, #0e1318);
  --surface: var(--landbridge-surface, #19212a);
  --tile: var(--landbridge-tile, #222c36);
  --text: var(--landbridge-text, #e9eef3);
  --muted: var(--landbridge-muted, #a3b0bd);
  --line: var(--landbridge-line, #34414e);
  --accent: var(--landbridge-accent, #43c0b4);
  --on-accent: var(--landbridge-on-accent, #04201e);
  --speaking: var(--landbridge-speaking, #46d596);
  --danger: var(--landbridge-danger, #ff9188);
  --danger-soft: #43211e;
  --warn-soft: #3a2d12;
  --phone: #f3c074;
  --phone-soft: #3c2c12;
  --shadow: 0 12px 40px rgb(0 0 0 / 55%);
  color-scheme: dark;
`;

export const styles = `
:host { ${light}
  display: block;
  container: landbridge / inline-size;
  min-block-size: 20rem;
  color: var(--text);
  background: var(--bg);
  border-radius: var(--landbridge-radius, 14px);
  font: 400 0.9375rem/1.45 var(--landbridge-font, system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif);
  overflow: hidden;
  text-align: start;
}
@media (prefers-color-scheme: dark) { :host(:not([theme='light'])) { ${dark} } }
:host([theme='dark']) { ${dark} }
:host([hidden]) { display: none; }

*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
h2, p, ul { margin: 0; padding: 0; }
ul { list-style: none; }
svg { inline-size: 1.25em; block-size: 1.25em; flex: none; fill: none; stroke: currentcolor; stroke-width: 1.5;
  stroke-linecap: round; stroke-linejoin: round; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.sr-only { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.frame { display: flex; flex-direction: column; min-block-size: inherit; block-size: 100%; }

.lobby { margin: auto; padding: 2rem 1.25rem; max-inline-size: 26rem; display: grid; gap: 0.75rem; text-align: center;
  justify-items: center; }
.lobby h2 { font-size: 1.375rem; font-weight: 650; line-height: 1.2; letter-spacing: -0.01em; text-wrap: balance; }
.lobby p { color: var(--muted); text-wrap: pretty; }
.lobby .actions { display: flex; flex-wrap: wrap; gap: 0.625rem; justify-content: center; margin-block-start: 0.5rem; }

button { font: inherit; font-weight: 550; color: inherit; display: inline-flex; align-items: center; justify-content: center;
  gap: 0.5rem; min-block-size: 2.75rem; padding: 0 1rem; border: 1px solid var(--line); border-radius: 0.75rem;
  background: var(--surface); cursor: pointer; }
button:hover { border-color: var(--muted); }
button:disabled { opacity: 0.55; cursor: default; }
button.primary { background: var(--accent); color: var(--on-accent); border-color: transparent; }
button.danger { background: var(--danger); color: var(--surface); border-color: transparent; }
button.primary:hover, button.danger:hover { filter: brightness(1.08); }
button.off { background: var(--danger-soft); color: var(--danger); border-color: transparent; }
button.on { background: color-mix(in srgb, var(--accent) 16%, var(--surface)); color: var(--accent); border-color: transparent; }
button.plain { min-block-size: 2rem; min-inline-size: 2rem; padding: 0; border: 0; background: none; }

.problem { display: flex; gap: 0.5rem; align-items: center; justify-content: space-between; text-align: start;
  background: var(--danger-soft); color: var(--text); border-radius: 0.75rem; padding: 0.625rem 0.875rem; }
.call > .problem, .banner { margin: 0.75rem 0.75rem 0; }
.banner { background: var(--warn-soft); border-radius: 0.75rem; padding: 0.625rem 0.875rem; display: flex; gap: 0.75rem;
  align-items: center; justify-content: space-between; }

.call { display: flex; flex-direction: column; flex: 1; min-block-size: 0; }
.grid { flex: 1; min-block-size: 0; overflow: auto; padding: 0.75rem; display: grid; gap: 0.75rem; align-content: safe center;
  grid-auto-rows: max-content;
  grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); }
.tile { position: relative; min-inline-size: 0; aspect-ratio: 16 / 10; max-block-size: 24rem; inline-size: 100%; justify-self: center;
  overflow: hidden; border-radius: 0.75rem; background: var(--tile); display: grid; place-items: center;
  outline: 3px solid transparent; outline-offset: -3px; transition: outline-color 120ms; }
.tile[data-speaking]::after { content: ''; position: absolute; inset: 0; border-radius: inherit; pointer-events: none;
  box-shadow: inset 0 0 0 3px var(--speaking); }
.tile video { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; object-fit: cover; }
.tile.own video { transform: scaleX(-1); }
.tile.screen { grid-column: 1 / -1; aspect-ratio: 16 / 9; max-block-size: min(70vh, 40rem); background: #000; }
.tile.screen video { object-fit: contain; }
.avatar { inline-size: 4.25rem; block-size: 4.25rem; margin-block-end: 1rem; border-radius: 50%; display: grid; place-items: center;
  font-size: 1.5rem; font-weight: 620; background: color-mix(in srgb, var(--accent) 18%, var(--surface)); color: var(--accent);
  transition: box-shadow 120ms; }
.tile.phone .avatar { background: var(--phone-soft); color: var(--phone); }
.tile[data-speaking] .avatar { box-shadow: 0 0 0 5px color-mix(in srgb, var(--speaking) 35%, transparent); }
.tile:not(.faceless) .avatar { visibility: hidden; }
.caption { position: absolute; inset-inline: 0.5rem; inset-block-end: 0.5rem; display: flex; flex-wrap: wrap; align-items: center; gap: 0 0.375rem;
  max-inline-size: calc(100% - 1rem); inline-size: fit-content; padding: 0.1875rem 0.625rem; border-radius: 0.5rem; font-size: 0.8125rem;
  background: color-mix(in srgb, var(--surface) 88%, transparent); }
.caption .name { min-inline-size: 0; max-inline-size: 100%; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.caption .note:empty { display: none; }
.caption .note { color: var(--muted); flex: none; max-inline-size: 100%; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.muted-badge { display: inline-flex; color: var(--danger); }
.alone { grid-column: 1 / -1; text-align: center; color: var(--muted); }

.toolbar { position: relative; display: flex; flex-wrap: wrap; gap: 0.5rem; justify-content: center; padding: 0.25rem 0.75rem 0.875rem; }
.menu { position: absolute; inset-block-end: 100%; z-index: 1; inline-size: min(22rem, calc(100% - 1.5rem)); display: grid; gap: 0.75rem;
  padding: 1rem; border-radius: 0.875rem; background: var(--surface); border: 1px solid var(--line); box-shadow: var(--shadow); }
.field { display: grid; gap: 0.25rem; font-size: 0.8125rem; color: var(--muted); }
select { font: inherit; font-size: 0.9375rem; color: var(--text); background: var(--bg); border: 1px solid var(--line);
  border-radius: 0.5rem; min-block-size: 2.5rem; padding: 0 0.5rem; inline-size: 100%; }

@container landbridge (max-width: 36rem) {
  .grid { grid-template-columns: repeat(auto-fit, minmax(min(9.5rem, 100%), 1fr)); gap: 0.5rem; padding: 0.5rem; }
  .toolbar button { flex: 1 1 0; min-inline-size: 0; padding: 0 0.25rem; flex-direction: column; gap: 0.125rem; min-block-size: 3.5rem;
    font-size: 0.6875rem; }
  .avatar { inline-size: 2.75rem; block-size: 2.75rem; margin-block-end: 1.75rem; font-size: 1rem; }
}
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { transition: none !important; } }
@media (forced-colors: active) {
  .tile { border: 1px solid CanvasText; }
  .tile[data-speaking] { outline-color: Highlight; }
  button.off, button.on, button.primary, button.danger { border: 2px solid ButtonText; }
}
`;
