/** The way in. */
import { textOf } from '../view/text-of.js';
import type { ConsoleApp } from '../console-app.js';
import { h, type VNode } from '../view/h.js';
import { logo } from '../view/icons.js';
import { button } from '../view/widgets.js';

interface Input {
  /** Default `text`. */
  readonly type?: string;
  readonly autocomplete: string;
  readonly initial?: string;
}

export function signIn(app: ConsoleApp): VNode {
  const { signInError, busy } = app.state;
  const field = (name: string, label: string, input: Input): VNode =>
    h(
      'label',
      { class: 'field' },
      h('span', {}, label),
      h('input', {
        name,
        type: input.type ?? 'text',
        autocomplete: input.autocomplete,
        required: true,
        spellcheck: 'false',
        autocapitalize: 'none',
        mounted: (made: HTMLInputElement) => {
          made.value = input.initial ?? '';
          if (name === 'password') made.focus();
        },
      }),
    );
  return h(
    'main',
    { class: 'sign-in', key: 'sign-in' },
    h(
      'form',
      {
        class: 'card',
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          const data = new FormData(event.target as HTMLFormElement);
          const text = (name: string): string => textOf(data.get(name));
          void app.signIn({
            // A password may begin or end with a blank, and a user name too.
            accountId: text('account').trim(),
            username: text('username'),
            password: text('password'),
          });
        },
      },
      h('div', { class: 'brand large' }, logo(), h('h1', {}, 'Landbridge')),
      h('p', { class: 'lead' }, 'Phone callers and browsers in one session.'),
      field('account', 'Account', { autocomplete: 'organization', initial: 'local' }),
      field('username', 'User name', { autocomplete: 'username', initial: 'local' }),
      field('password', 'Password', { type: 'password', autocomplete: 'current-password' }),
      h('p', { class: 'form-error', role: 'alert' }, signInError ?? ''),
      button('Sign in', null, { look: 'primary', submit: true, busy: busy.has('sign-in') }),
      h(
        'p',
        { class: 'hint' },
        'The gateway printed the password when it first started; it is also in ',
        h('code', {}, 'credentials.json'),
        ' in its data directory.',
      ),
    ),
  );
}
