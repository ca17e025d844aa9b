/** What happened, newest first. */
import type { ConsoleApp } from '../console-app.js';
import { eventText } from '../event-text.js';
import { shortId } from '../model.js';
import { h, type VNode } from '../view/h.js';
import { button } from '../view/widgets.js';

export function eventLog(app: ConsoleApp): VNode {
  const { log, names, selectedId } = app.state;
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
        .map((event) => {
          const { id, time } = event;
          const about = event.participantId ?? event.sessionId ?? '';
          const { text, tone } = eventText(event, names.get(about) ?? event.tag ?? shortId(about));
          return h(
            'li',
            { key: id, class: tone },
            h('time', { datetime: time }, new Date(time).toLocaleTimeString([], { hour12: false })),
            h('span', {}, text),
          );
        })
        .reverse(),
    ),
    shown.length === 0 && h('p', { class: 'note' }, 'Events appear here as they happen.'),
  );
}
