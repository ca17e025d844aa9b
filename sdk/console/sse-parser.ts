/** Reads a text/event-stream piece by piece (HTML, §9.2.6). */
export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

export class SseParser {
  #rest = '';
  #id = '';
  #event = '';
  #data: string[] = [];

  /** The events that the piece completes. */
  push(piece: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const text = this.#rest + piece;
    // A CR at the end may be the first half of a CRLF.
    const lines = (text.endsWith('\r') ? text.slice(0, -1) : text).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '') + (text.endsWith('\r') ? '\r' : '');
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) {
          events.push({
            id: this.#id,
            event: this.#event === '' ? 'message' : this.#event,
            data: this.#data.join('\n'),
          });
        }
        this.#event = '';
        this.#data = [];
        continue;
      }
      const [, field = line, value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
      if (field === 'data') this.#data.push(value);
      else if (field === 'event') this.#event = value;
      else if (field === 'id') this.#id = value;
    }
    return events;
  }
}
