/** Questions and answers that need the whole attention. */
import { textOf } from '../view/text-of.js';
import type { ConsoleApp } from '../console-app.js';
import { nameOf, reachableSipUri, type CreatedParticipant } from '../model.js';
import type { Dialog } from '../state.js';
import { h, type Child, type VNode } from '../view/h.js';
import { icon } from '../view/icons.js';
import { button } from '../view/widgets.js';

export function dialog(app: ConsoleApp): Child {
  const { dialog: shown, selectedId } = app.state;
  if (shown === null) return null;
  switch (shown.kind) {
    case 'add-participant':
      return selectedId !== null && frame(app, shown, 'Add a participant', addParticipant(app, selectedId));
    case 'credentials':
      return frame(
        app,
        shown,
        `${nameOf(shown.created.participant)} can connect`,
        credentials(app, shown.created),
      );
    case 'confirm':
      return frame(app, shown, shown.title, [
        h('p', {}, shown.text),
        h(
          'div',
          { class: 'dialog-actions' },
          button('Cancel', () => app.showDialog(null)),
          button(
            shown.action,
            () => {
              app.showDialog(null);
              void shown.confirm();
            },
            { look: 'danger' },
          ),
        ),
      ]);
  }
}

function frame(app: ConsoleApp, { kind }: Dialog, title: string, body: Child): VNode {
  return h(
    'dialog',
    {
      key: kind,
      'aria-labelledby': 'dialog-title',
      mounted: (element: HTMLDialogElement) => element.showModal(),
      onclose: () => app.showDialog(null),
    },
    h(
      'header',
      { class: 'dialog-head' },
      h('h2', { id: 'dialog-title' }, title),
      button('Close', () => app.showDialog(null), { icon: 'close', look: 'quiet', iconOnly: true }),
    ),
    body,
  );
}

function addParticipant(app: ConsoleApp, sessionId: string): VNode {
  return h(
    'form',
    {
      class: 'dialog-form',
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        const data = new FormData(event.target as HTMLFormElement);
        const text = (name: string): string => textOf(data.get(name)).trim();
        const [displayName, tag] = [text('displayName'), text('tag')];
        void app.addParticipant(sessionId, {
          publishPermissions: data.getAll('publish').map(String),
          ...(displayName === '' ? {} : { displayName }),
          ...(tag === '' ? {} : { tag }),
        });
      },
    },
    h(
      'label',
      { class: 'field' },
      h('span', {}, 'Name'),
      h('input', {
        name: 'displayName',
        maxlength: 100,
        placeholder: 'Shown to others, optional',
        autofocus: true,
      }),
    ),
    h(
      'label',
      { class: 'field' },
      h('span', {}, 'Tag'),
      h('input', { name: 'tag', maxlength: 50, placeholder: 'For your application, optional' }),
    ),
    h(
      'fieldset',
      { class: 'field' },
      h('legend', {}, 'May publish'),
      checkbox('publish', 'AUDIO', 'Audio'),
      checkbox('publish', 'VIDEO', 'Video'),
    ),
    h('p', { class: 'hint' }, 'It hears the whole session; change that in the table afterwards.'),
    h(
      'div',
      { class: 'dialog-actions' },
      button('Cancel', () => app.showDialog(null)),
      button('Add participant', null, {
        look: 'primary',
        submit: true,
        busy: app.state.busy.has('add-participant'),
      }),
    ),
  );
}

function checkbox(name: string, value: string, label: string): VNode {
  return h(
    'label',
    { class: 'check' },
    h('input', {
      type: 'checkbox',
      name,
      value,
      mounted: (input: HTMLInputElement) => {
        input.checked = true;
      },
    }),
    label,
  );
}

function credentials(app: ConsoleApp, { token, joinCode, sipUri }: CreatedParticipant): Child {
  return [
    h(
      'p',
      { class: 'warning' },
      'This is shown once. Whoever has one of these can connect as this participant, one at a time.',
    ),
    copyable(
      app,
      'Join code',
      joinCode.replace(/(.{4})(?=.)/g, '$1-'),
      'For phones, and for people to read out.',
    ),
    copyable(
      app,
      'SIP address to call',
      reachableSipUri(sipUri, location.hostname),
      'Transfer a call here, or dial it from a SIP phone.',
    ),
    copyable(app, 'Token', token, 'For browsers: connect(token). For transfers: User-to-User, encoding=jwt.'),
    h(
      'div',
      { class: 'dialog-actions' },
      button('Done', () => app.showDialog(null), { look: 'primary' }),
    ),
  ];
}

function copyable(app: ConsoleApp, label: string, text: string, hint: string): VNode {
  return h(
    'div',
    { class: 'copyable' },
    h('span', { class: 'copy-label' }, label),
    h(
      'div',
      { class: 'copy-line' },
      h('code', { tabindex: 0 }, text),
      h(
        'button',
        {
          type: 'button',
          class: 'button plain',
          'aria-label': `Copy: ${label}`,
          onclick: () => app.copy(text, label),
        },
        icon('copy'),
        h('span', {}, 'Copy'),
      ),
    ),
    h('p', { class: 'hint' }, hint),
  );
}
