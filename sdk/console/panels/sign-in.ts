/** The way in. */
import type { ConsoleApp } from '../console-app.js';
import { h, type VNode } from '../view/h.js';
import { logo } from '../view/icons.js';
import { button } from '../view/widgets.js';

export function signIn(app: ConsoleApp): VNode {
  const { signInError, busy } = app.state;
  const field = (name: string, label: string, type: string, autocomplete: string, initial = ''): VNode =>
    h(
      'label',
      { class: 'field' },
      h('span', {}, label),
      h('input', {
        name,
        type,
        autocomplete,
        required: true,
        spellcheck: 'false',
        autocapitalize: 'none',
        mounted: (input: HTMLInputElement) => {
          input.value = initial;
          if (name === 'password') input.focus();
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
          const text = (name: string): string => String(data.get(name) ?? '').trim();
          void app.signIn({
            accountId: text('account'),
            username: text('username'),
            password: text('password'),
          });
        },
      },
      h('div', { class: 'brand large' }, logo(), h('h1', {}, 'Landbridge')),
      h('p', { class: 'lead' }, 'Phone callers and browsers in one session.'),
      field('account', 'Account', 'text', 'organization', 'local'),
      field('username', 'User name', 'text', 'username', 'local'),
      field('password', 'Password', 'password', 'current-password'),
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
