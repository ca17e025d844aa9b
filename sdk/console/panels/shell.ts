/** The frame around everything: the bar at the top and the list of sessions. */
import { textOf } from '../view/text-of.js';
import type { ConsoleApp } from '../console-app.js';
import { stateBadge } from '../gateway-state.js';
import { sessionName, type Session } from '../model.js';
import { h, type VNode } from '../view/h.js';
import { logo } from '../view/icons.js';
import { button, skeleton } from '../view/widgets.js';

export function topBar(app: ConsoleApp): VNode {
  const { account, stream, gateway } = app.state;
  const { look, text } = stateBadge(stream, gateway);
  return h(
    'header',
    { class: 'top-bar', key: 'top-bar' },
    h(
      'a',
      { class: 'brand', href: '#', 'aria-label': 'Landbridge, all sessions' },
      logo(),
      h('span', {}, 'Landbridge'),
    ),
    h(
      'span',
      { class: `live ${look}`, role: 'status', title: text },
      h('i', { 'aria-hidden': 'true' }),
      h('span', {}, text),
    ),
    h('span', { class: 'spring' }),
    h('a', { class: 'docs-link', href: '/docs' }, 'API'),
    h('span', { class: 'account', title: 'Account' }, account?.accountId ?? ''),
    button('Sign out', () => app.signOut(), { icon: 'signOut', look: 'quiet', iconOnly: true }),
  );
}

export function sessionList(app: ConsoleApp): VNode {
  const { sessions, selectedId, busy } = app.state;
  return h(
    'nav',
    { class: `sidebar${selectedId === null ? ' front' : ''}`, key: 'sidebar', 'aria-label': 'Sessions' },
    h('h2', {}, 'Sessions'),
    h(
      'form',
      {
        class: 'new-session',
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          const form = event.target as HTMLFormElement;
          void app.createSession(textOf(new FormData(form).get('tag')).trim());
          form.reset();
        },
      },
      h('input', {
        name: 'tag',
        maxlength: 50,
        placeholder: 'New session, name',
        'aria-label': 'Name of the new session',
      }),
      button('Create session', null, {
        icon: 'plus',
        submit: true,
        iconOnly: true,
        busy: busy.has('create-session'),
      }),
    ),
    sessions === null
      ? skeleton(3)
      : sessions.length === 0
        ? h('p', { class: 'note pad' }, 'No session yet.')
        : h(
            'ul',
            { class: 'session-list' },
            sessions.map((session) => sessionItem(app, session)),
          ),
  );
}

function sessionItem(app: ConsoleApp, session: Session): VNode {
  const { id } = session;
  const { participants, legs, selectedId, call } = app.state;
  const people = participants.filter(({ sessions }) => sessions?.includes(id) ?? false).length;
  const connected = legs.filter(({ sessionId, state }) => sessionId === id && state !== 'ended').length;
  return h(
    'li',
    { key: id },
    h(
      'a',
      { href: `#/sessions/${id}`, 'aria-current': id === selectedId ? 'page' : undefined },
      h('span', { class: 'session-name' }, sessionName(session)),
      call?.sessionId === id && h('span', { class: 'badge here' }, 'You'),
      h(
        'span',
        { class: `count${connected > 0 ? ' some' : ''}` },
        h('span', { 'aria-hidden': 'true' }, `${connected}/${people}`),
        h('span', { class: 'sr-only' }, `${connected} of ${people} participants connected`),
      ),
    ),
  );
}
