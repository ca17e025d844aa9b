/** What happened, newest first. */
import type { ConsoleApp } from '../console-app.js';
import { h, type VNode } from '../view/h.js';
import { button } from '../view/widgets.js';

export function eventLog(app: ConsoleApp): VNode {
  const { log, selectedId } = app.state;
  // Events outside sessions are shown everywhere: they are what comes before a participant is in one.
  const shown = log.filter(
    ({ sessionId }) => selectedId === null || sessionId === null || sessionId === selectedId,
  );
  return h(
    'aside',
    { class: 'log', key: 'log', 'aria-labelledby': 'log-title' },
    h(
      'header',
      { class: 'panel-head' },
      h('h2', { id: 'log-title' }, 'Events'),
      shown.length > 0 && button('Clear', () => app.clearLog(), { look: 'quiet' }),
    ),
    h(
      'ol',
      { class: 'log-entries', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions' },
      shown
        .map((entry) =>
          h(
            'li',
            { key: entry.id, class: entry.tone },
            h(
              'time',
              { datetime: entry.time },
              new Date(entry.time).toLocaleTimeString([], { hour12: false }),
            ),
            h('span', {}, entry.text),
          ),
        )
        .reverse(),
    ),
    shown.length === 0 && h('p', { class: 'note' }, 'Events appear here as they happen.'),
  );
}
