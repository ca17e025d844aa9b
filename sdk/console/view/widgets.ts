/** The small parts that every panel uses. */
import type { LevelSource } from '../sound.js';
import { h, type Child, type VNode } from './h.js';
import { icon, type IconName } from './icons.js';

export interface ButtonOptions {
  readonly icon?: IconName;
  readonly look?: 'primary' | 'plain' | 'quiet' | 'danger';
  readonly busy?: boolean;
  readonly disabled?: boolean;
  /** Says what it does where the label alone does not, or where there is only an icon. */
  readonly title?: string;
  readonly iconOnly?: boolean;
  readonly pressed?: boolean;
  readonly key?: string;
  readonly submit?: boolean;
}

export function button(label: string, onClick: (() => unknown) | null, options: ButtonOptions = {}): VNode {
  const { look = 'plain', busy = false, iconOnly = false } = options;
  return h(
    'button',
    {
      type: options.submit === true ? 'submit' : 'button',
      class: `button ${look}${iconOnly ? ' icon-only' : ''}${busy ? ' busy' : ''}`,
      disabled: busy || options.disabled === true,
      title: options.title ?? (iconOnly ? label : undefined),
      'aria-label': iconOnly || options.title !== undefined ? (options.title ?? label) : undefined,
      'aria-busy': busy ? 'true' : undefined,
      'aria-pressed': options.pressed,
      onclick: onClick ?? undefined,
      ...(options.key === undefined ? {} : { key: options.key }),
    },
    options.icon !== undefined && icon(options.icon),
    !iconOnly && h('span', {}, label),
  );
}

/** A bar that follows a level, and marks its card while somebody speaks. Decoration: screen readers get the names. */
export function meter(source: LevelSource, key: string): VNode {
  return h('span', {
    key,
    class: 'meter',
    'aria-hidden': 'true',
    mounted: (element: HTMLElement) => {
      let frame = 0;
      let shown = 0;
      const follow = (): void => {
        // Up at once, down slowly, as the eye expects of a meter.
        shown = Math.max(source.level(), shown * 0.88);
        element.style.setProperty('--level', shown.toFixed(3));
        element.closest('[data-speaks]')?.toggleAttribute('data-speaking', shown > 0.25);
        frame = requestAnimationFrame(follow);
      };
      follow();
      return () => {
        cancelAnimationFrame(frame);
        element.closest('[data-speaks]')?.removeAttribute('data-speaking');
      };
    },
  });
}

/** Time since a moment, counting. */
export function since(moment: string, key: string): VNode {
  const start = Date.parse(moment);
  return h(
    'time',
    {
      key: `${key} ${moment}`,
      datetime: moment,
      title: new Date(start).toLocaleString(),
      mounted: (element: HTMLElement) => {
        const timer = setInterval(() => {
          element.textContent = clock(start);
        }, 1000);
        return () => clearInterval(timer);
      },
    },
    clock(start),
  );
}

function clock(start: number): string {
  const seconds = Math.max(0, Math.floor((Date.now() - start) / 1000));
  const two = (value: number): string => String(value % 60).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds)}`;
}

export function video(stream: MediaStream, key: string, mirrored = false): VNode {
  return h('video', {
    key,
    class: mirrored ? 'mirrored' : undefined,
    autoplay: true,
    playsinline: true,
    // The sound is played apart, so that a tile that goes away silences nobody.
    muted: true,
    mounted: (element: HTMLVideoElement) => {
      element.srcObject = stream;
      return () => {
        element.srcObject = null;
      };
    },
  });
}

export function panel(
  title: string,
  options: { readonly note?: Child; readonly actions?: Child },
  ...body: Child[]
): VNode {
  const id = `panel-${title.toLowerCase().replaceAll(/\W+/g, '-')}`;
  return h(
    'section',
    { class: 'panel', key: id, 'aria-labelledby': id },
    h(
      'header',
      { class: 'panel-head' },
      h(
        'div',
        {},
        h('h2', { id }, title),
        options.note !== undefined && options.note !== null && h('p', { class: 'note' }, options.note),
      ),
      options.actions !== undefined && h('div', { class: 'actions' }, options.actions),
    ),
    ...body,
  );
}

export function empty(symbol: IconName, title: string, text: string, ...actions: Child[]): VNode {
  return h(
    'div',
    { class: 'empty' },
    h('span', { class: 'empty-symbol' }, icon(symbol)),
    h('h3', {}, title),
    h('p', {}, text),
    ...actions,
  );
}

export function skeleton(lines: number): VNode {
  return h(
    'div',
    { class: 'skeleton', role: 'status', 'aria-label': 'Loading' },
    Array.from({ length: lines }, () => h('span', {})),
  );
}
