/** One session. */
import type { ConsoleApp } from '../console-app.js';
import { sessionName } from '../model.js';
import type { CallInSound } from '../state.js';
import { h, type VNode } from '../view/h.js';
import { icon } from '../view/icons.js';
import { button, empty } from '../view/widgets.js';
import { matrix } from './matrix.js';
import { outside, people } from './people.js';
import { stage } from './stage.js';

export function sessionPage(app: ConsoleApp, sessionId: string): VNode {
  const { sessions, members } = app.state;
  const session = sessions?.find(({ id }) => id === sessionId);
  if (sessions !== null && session === undefined && members === null) {
    return h(
      'div',
      { class: 'session-page', key: 'gone' },
      empty(
        'close',
        'This session no longer exists',
        'It was deleted, or belongs to another account.',
        h('a', { class: 'button plain', href: '#' }, 'All sessions'),
      ),
    );
  }
  const title = sessionName(session ?? { id: sessionId });
  return h(
    'div',
    { class: 'session-page', key: sessionId },
    h('a', { class: 'back', href: '#' }, icon('back'), 'Sessions'),
    h(
      'div',
      { class: 'page-head' },
      h(
        'div',
        { class: 'title' },
        h('h1', {}, title),
        h(
          'button',
          {
            type: 'button',
            class: 'id-chip',
            title: 'Copy the session’s id',
            onclick: () => app.copy(sessionId, 'Session id'),
          },
          h('code', {}, sessionId),
          icon('copy'),
        ),
        deletion(app, sessionId, title),
      ),
      actions(app, sessionId),
    ),
    stage(app, sessionId),
    people(app, sessionId),
    matrix(app, sessionId),
    outside(app, sessionId),
  );
}

function actions(app: ConsoleApp, sessionId: string): VNode {
  const { call, busy, callInSound } = app.state;
  const joined = call?.sessionId === sessionId;
  return h(
    'div',
    { class: 'actions' },
    !joined &&
      button('Join with the microphone', () => app.join(sessionId), {
        key: 'join',
        icon: 'mic',
        look: 'primary',
        busy: busy.has('join'),
      }),
    h(
      'div',
      { class: 'split', key: 'call-in' },
      button('Call in as a phone', () => app.callIn(sessionId), {
        icon: 'phone',
        look: joined ? 'primary' : 'plain',
        busy: busy.has('call-in'),
        title: 'Call in as a phone: the gateway calls itself over SIP and RTP',
      }),
      h(
        'select',
        {
          'aria-label': 'What the caller sounds like',
          value: callInSound,
          onchange: (event: Event) =>
            app.chooseCallInSound((event.target as HTMLSelectElement).value as CallInSound),
        },
        h('option', { value: 'voice' }, 'Voice'),
        h('option', { value: 'low' }, 'Tone 440 Hz'),
        h('option', { value: 'high' }, 'Tone 880 Hz'),
      ),
    ),
  );
}

function deletion(app: ConsoleApp, sessionId: string, title: string): VNode {
  return button(
    'Delete session',
    () =>
      app.showDialog({
        kind: 'confirm',
        title: `Delete “${title}”?`,
        text: 'Its phone calls are hung up. Its browsers stay connected, without a session.',
        action: 'Delete session',
        confirm: () => app.deleteSession(sessionId),
      }),
    {
      key: 'delete',
      icon: 'trash',
      look: 'quiet',
      iconOnly: true,
      busy: app.state.busy.has(`delete-session ${sessionId}`),
    },
  );
}
