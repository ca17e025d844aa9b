/** What is seen while no session is chosen. */
import type { ConsoleApp } from '../console-app.js';
import { h, type VNode } from '../view/h.js';
import { icon, type IconName } from '../view/icons.js';
import { button } from '../view/widgets.js';

export function welcome(app: ConsoleApp): VNode {
  const step = (symbol: IconName, title: string, text: string): VNode =>
    h(
      'li',
      {},
      h('span', { class: 'step-symbol' }, icon(symbol)),
      h('div', {}, h('h3', {}, title), h('p', {}, text)),
    );
  return h(
    'div',
    { class: 'welcome', key: 'welcome' },
    h('h1', {}, 'Bring a phone call into a WebRTC session'),
    h(
      'p',
      { class: 'lead' },
      'Start a session, join it with your microphone, and let the gateway call itself as a phone: over SIP and RTP, as a carrier would.',
    ),
    h(
      'div',
      { class: 'welcome-action' },
      button('Start a session and join', () => app.quickStart(), {
        look: 'primary',
        icon: 'mic',
        busy: app.state.busy.has('join'),
      }),
      h('span', { class: 'note' }, 'The browser will ask for the microphone.'),
    ),
    h(
      'ol',
      { class: 'steps' },
      step('mic', 'Join', 'Your browser becomes a participant. Nothing to install.'),
      step('phone', 'Call in', 'A caller joins by phone, audio only. You hear it, it hears you.'),
      step(
        'ear',
        'Decide who hears whom',
        'Every listener has its own list, and every change takes effect at once.',
      ),
    ),
  );
}
