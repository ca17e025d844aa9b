/** Short messages: what failed and why, in the gateway's words. */
import type { ConsoleApp } from '../console-app.js';
import { h, type Child } from '../view/h.js';
import { button } from '../view/widgets.js';

export function toasts(app: ConsoleApp): Child {
  return app.state.toasts.map(({ id, tone, text }) =>
    h(
      'div',
      { key: `${id}`, class: `toast ${tone}`, role: tone === 'error' ? 'alert' : undefined },
      h('span', {}, text),
      button('Dismiss', () => app.dismissToast(id), { icon: 'close', look: 'quiet', iconOnly: true }),
    ),
  );
}
