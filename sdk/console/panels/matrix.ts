/** Who hears whom: a row for each listener, a column for each speaker. */
import type { ConsoleApp } from '../console-app.js';
import { nameOf, type Participant } from '../model.js';
import { hears, modeOf, type Mode } from '../subscriptions.js';
import { h, type Child, type VNode } from '../view/h.js';
import { panel } from '../view/widgets.js';

const modeWords: Readonly<Record<Mode, string>> = {
  session: 'Whole session',
  list: 'Exactly this list',
  nobody: 'Nobody',
};

export function matrix(app: ConsoleApp, sessionId: string): Child {
  const { members } = app.state;
  if (members === null || members.length < 2) return null;
  return panel(
    'Who hears whom',
    {
      note: [
        h('strong', {}, 'Whole session'),
        ' includes everyone who joins later. ',
        h('strong', {}, 'Exactly this list'),
        ' stays as it is until you change it.',
      ],
    },
    h(
      'div',
      { class: 'matrix-scroll', tabindex: 0, role: 'region', 'aria-label': 'Who hears whom, a table' },
      h(
        'table',
        { class: 'matrix' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('td', { class: 'corner' }, h('span', {}, 'listens ↓'), h('span', {}, 'speaks →')),
            members.map((speaker) =>
              h(
                'th',
                { key: speaker.id, scope: 'col', title: nameOf(speaker) },
                h('span', {}, nameOf(speaker)),
              ),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          members.map((listener) => row(app, sessionId, listener, members)),
        ),
      ),
    ),
  );
}

function row(
  app: ConsoleApp,
  sessionId: string,
  listener: Participant,
  members: readonly Participant[],
): VNode {
  return h(
    'tr',
    { key: listener.id },
    h(
      'th',
      { scope: 'row', key: 'listener' },
      h(
        'div',
        { class: 'listener' },
        h('span', { title: nameOf(listener) }, nameOf(listener)),
        modeSelect(app, sessionId, listener),
      ),
    ),
    members.map((speaker) => cell(app, sessionId, listener, speaker)),
  );
}

function modeSelect(app: ConsoleApp, sessionId: string, listener: Participant): VNode {
  const mode = modeOf(listener.subscriptions ?? {});
  return h(
    'select',
    {
      'aria-label': `Whom ${nameOf(listener)} hears`,
      class: `mode-${mode}`,
      value: mode,
      onchange: (event: Event) =>
        app.setMode(sessionId, listener.id, (event.target as HTMLSelectElement).value as Mode),
    },
    (Object.keys(modeWords) as Mode[]).map((one) => h('option', { value: one }, modeWords[one])),
  );
}

function cell(app: ConsoleApp, sessionId: string, listener: Participant, speaker: Participant): VNode {
  if (listener.id === speaker.id)
    return h('td', { key: speaker.id, class: 'self', 'aria-label': 'itself' }, '–');
  const subscriptions = listener.subscriptions ?? {};
  const heard = hears(subscriptions, speaker.id);
  const label = `${nameOf(listener)} hears ${nameOf(speaker)}`;
  const aliases = subscriptions.participants?.find(
    ({ participantId }) => participantId === speaker.id,
  )?.streamAliases;
  return h(
    'td',
    { key: speaker.id },
    h(
      'label',
      { class: `cell ${heard} by-${modeOf(subscriptions)}` },
      h('input', {
        type: 'checkbox',
        'aria-label': label,
        title: heard === 'partly' ? `${label}: only ${aliases?.join(', ')}` : label,
        checked: heard === 'yes',
        indeterminate: heard === 'partly',
        onchange: () => app.toggleSubscription(sessionId, listener.id, speaker.id),
      }),
    ),
  );
}
