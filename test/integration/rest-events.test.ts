import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventHub } from '../../src/events/event-hub.js';
import { accountId, basic, startRestServer, type RestServer } from '../support/rest-server.js';
import { ManualClock } from '../support/manual-clock.js';
import { hangMs } from '../support/wait-for.js';

/** Until what is expected holds. */
const seen = (expected: () => void): Promise<void> => vi.waitFor(expected, { timeout: hangMs });

interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** A reader of Server-Sent Events that can also stop reading. */
class EventReader {
  readonly events: SentEvent[] = [];
  readonly comments: string[] = [];
  isClosed = false;
  #text = '';

  constructor(
    readonly response: IncomingMessage,
    readonly request: ClientRequest,
  ) {
    response.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    response.on('error', () => undefined).on('close', () => (this.isClosed = true));
  }

  #read(chunk: string): void {
    const blocks = (this.#text + chunk).split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => /^(\w*): (.*)$/s.exec(line) ?? []);
      const of = (name: string) => fields.find(([, key]) => key === name)?.[2];
      const comment = of('');
      if (comment !== undefined) this.comments.push(comment);
      const data = of('data');
      if (data !== undefined) {
        this.events.push({
          id: of('id') ?? '',
          type: of('event') ?? '',
          data: JSON.parse(data) as Record<string, unknown>,
        });
      }
    }
  }
}

describe('The event stream', () => {
  let server: RestServer;
  let clock: ManualClock;
  const readers: EventReader[] = [];

  beforeEach(async () => {
    clock = new ManualClock();
    server = await startRestServer({
      clock,
      hub: new EventHub({ maxReaders: 3, historyPerAccount: 4 }),
      eventStreams: { heartbeatSeconds: 15, maxUnreadBytes: 100_000 },
    });
  });
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.request.destroy();
    await server.close();
  });

  async function open(query = '', headers: Record<string, string> = {}): Promise<EventReader> {
    const sent = request(`${server.url}/v1/accounts/${accountId}/events${query}`, {
      headers: { authorization: basic, ...headers },
      agent: false,
    });
    sent.on('error', () => undefined);
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const reader = new EventReader(response, sent);
    readers.push(reader);
    return reader;
  }

  const createSession = async (tag?: string) =>
    (
      (await (await server.request('POST', '/sessions', tag === undefined ? undefined : { tag })).json()) as {
        id: string;
      }
    ).id;

  it('tells facts as they happen, with id, type and JSON', async () => {
    const reader = await open();
    expect(reader.response.statusCode).toBe(200);
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    const id = await createSession('line one\nline two');
    await seen(() => expect(reader.events).toHaveLength(1));
    expect(reader.comments).toEqual(['connected']);
    expect(reader.events[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'session.created',
      data: {
        id: reader.events[0]?.id,
        type: 'session.created',
        accountId,
        sessionId: id,
        participantId: null,
        tag: 'line one\nline two',
        sequence: 1,
        time: new Date(clock.now()).toISOString(),
        data: { tag: 'line one\nline two' },
      },
    });
  });

  it('tells of one session where that is asked, and never a token or code', async () => {
    const [mine, other] = [await createSession(), await createSession()];
    const [reader, all] = [await open(`?sessionId=${mine.toUpperCase()}`), await open()];
    const created = (await (await server.request('POST', '/participants')).json()) as {
      participant: { id: string };
      token: string;
      joinCode: string;
    };
    const { id } = created.participant;
    await server.request('PUT', `/sessions/${other}/participants/${id}`);
    await server.request('DELETE', `/sessions/${other}/participants/${id}`);
    await server.request('PUT', `/sessions/${mine}/participants/${id}`);
    await server.connect(created.token);
    await seen(() => expect(reader.events.at(-1)?.type).toBe('stream.published'));
    expect(reader.events.map(({ type }) => type)).toEqual([
      'participant.added',
      'call.arrived',
      'call.answered',
      'call.established',
      'participant.joined',
      'stream.published',
    ]);
    await seen(() => expect(all.events.at(-1)?.type).toBe('stream.published'));
    expect(JSON.stringify(all.events)).not.toContain(created.token);
    expect(JSON.stringify(all.events)).not.toContain(created.joinCode);
  });

  it('resumes after the last event that was seen', async () => {
    const reader = await open();
    for (let i = 0; i < 3; i++) await createSession(String(i));
    await seen(() => expect(reader.events).toHaveLength(3));
    const resumed = await open('', { 'last-event-id': reader.events[0]?.id ?? '' });
    await createSession('3');
    await seen(() => expect(resumed.events.map(({ data }) => data['tag'])).toEqual(['1', '2', '3']));
  });

  it('says that there is a gap where too much was missed', async () => {
    const reader = await open();
    for (let i = 0; i < 6; i++) await createSession(String(i));
    await seen(() => expect(reader.events).toHaveLength(6));
    const resumed = await open('', { 'last-event-id': reader.events[0]?.id ?? '' });
    await seen(() => expect(resumed.events).toHaveLength(5));
    expect(resumed.events[0]).toEqual({ id: '', type: 'gap', data: {} });
    expect(resumed.events.slice(1).map(({ data }) => data['tag'])).toEqual(['2', '3', '4', '5']);
  });

  it('beats every 15 seconds', async () => {
    const reader = await open();
    clock.advance(30_000);
    await seen(() => expect(reader.comments).toEqual(['connected', 'heartbeat', 'heartbeat']));
  });

  it('is let go of, timer and all, when the reader leaves', async () => {
    const reader = await open();
    expect(server.events.readers).toBe(1);
    reader.request.destroy();
    await seen(() => expect(server.events.readers).toBe(0));
    expect(clock.pending).toBe(0);
  });

  it('is one at a time on a connection, and those behind it take no room', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    const head = `GET /v1/accounts/${accountId}/events HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic}\r\n\r\n`;
    socket.write(head.repeat(3));
    await seen(() => expect(server.events.readers).toBe(1));
    socket.resetAndDestroy();
    await seen(() => expect(server.events.readers).toBe(0));
    await open();
    expect(server.events.readers).toBe(1);
    expect(clock.pending).toBe(1);
  });

  it('cuts off a reader that does not read, and only that one', async () => {
    const [slow, quick] = [await open(), await open()];
    slow.response.socket.pause();
    const { participant } = (await (await server.request('POST', '/participants')).json()) as {
      participant: { id: string };
    };
    const session = await createSession();
    const participants = Array.from({ length: 500 }, () => ({ participantId: participant.id }));
    const path = `/sessions/${session}/participants/${participant.id}`;
    // The kernel's buffers take some megabytes before any of it is unread in ours.
    for (let sent = 0; server.events.readers === 2 && sent < 2000; sent++) {
      await server.request('PUT', path, { participants });
    }
    expect(server.events.readers).toBe(1);
    expect(quick.isClosed).toBe(false);
    await createSession('after');
    await seen(() => expect(quick.events.at(-1)?.data['tag']).toBe('after'));
  }, 120_000);

  it('is refused without credentials, for another account, with a bad session id, with a filter that nobody knows, and beyond the limit', async () => {
    expect((await open('', { authorization: 'Basic eDp5' })).response.statusCode).toBe(401);
    expect((await open('?sessionId=x')).response.statusCode).toBe(400);
    // It told of everything.
    expect((await open('?types=call.ended')).response.statusCode).toBe(400);
    for (let i = 0; i < 3; i++) expect((await open()).response.statusCode).toBe(200);
    expect((await open()).response.statusCode).toBe(503);
    expect(clock.pending).toBe(3);
  });

  it('ends when the server closes, which does not wait for it', async () => {
    const reader = await open();
    await server.close();
    await seen(() => expect(reader.isClosed).toBe(true));
    expect(clock.pending).toBe(0);
  });
});
