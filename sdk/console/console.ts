/** Puts the page together. */
import { ConsoleApp } from './console-app.js';
import { dialog } from './panels/dialogs.js';
import { eventLog } from './panels/event-log.js';
import { sessionPage } from './panels/session-page.js';
import { sessionList, topBar } from './panels/shell.js';
import { signIn } from './panels/sign-in.js';
import { callBar } from './panels/stage.js';
import { toasts } from './panels/toasts.js';
import { welcome } from './panels/welcome.js';
import { h, type Child } from './view/h.js';
import { render } from './view/render.js';

const app = new ConsoleApp();
const root = element('app');
const toastRegion = element('toasts');

function page(): Child {
  const { account, selectedId } = app.state;
  if (account === null) return signIn(app);
  return [
    h('a', { class: 'skip', href: '#main', key: 'skip', onclick: skipToMain }, 'Skip to the content'),
    topBar(app),
    h(
      'div',
      { class: `layout${selectedId === null ? ' no-session' : ''}`, key: 'layout' },
      sessionList(app),
      h(
        'main',
        { id: 'main', tabindex: -1, key: 'main' },
        callBar(app),
        selectedId === null ? welcome(app) : sessionPage(app, selectedId),
      ),
      eventLog(app),
    ),
    dialog(app),
  ];
}

/** The address's fragment names the session, so the link must not change it. */
function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id}`);
  return found;
}

function show(): void {
  render(root, page());
  // A modal dialog makes the rest of the page inert; messages must be seen and heard above it.
  const modal = document.querySelector('dialog[open]');
  (modal ?? document.body).append(toastRegion);
  render(toastRegion, toasts(app));
}

app.store.onChange(show);
addEventListener('hashchange', () => app.selectFromAddress());
// An open menu closes where one clicks elsewhere, and with Escape.
addEventListener('click', ({ target }) => closeMenus(target));
addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') closeMenus(null);
});
show();
void app.start();

function closeMenus(except: EventTarget | null): void {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!(except instanceof Node && menu.contains(except))) menu.removeAttribute('open');
  }
}
