/** A connection of ours: pings and their answers between messages. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Inbox } from './inbox.js';
import { TcpFlow } from './tcp-flow.js';

/** The far end of a connection that is never closed: what is written to it, and what it says. */
class FarEnd extends Duplex {
  readonly localAddress = '192.0.2.9';
  readonly localPort = 5060;
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = 5060;
  readonly heard: string[] = [];

  setTimeout(): this {
    return this;
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.heard.push(bytes.toString());
    done();
  }

  override _read(): void {}

  says(text: string): void {
    this.emit('data', Buffer.from(text));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const head = [
  'OPTIONS sip:a@b SIP/2.0',
  'Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1',
  'From: <sip:a@b>;tag=1',
  'To: <sip:c@d>',
  'Call-ID: 1',
  'CSeq: 1 OPTIONS',
  'Content-Length: 0',
].join('\r\n');

it('takes a line break for the answer to its ping only where no message has begun', () => {
  const inbox = new Inbox({});
  const methods: string[] = [];
  inbox.onMessage = (message) => methods.push(message.kind === 'request' ? message.method : '');
  inbox.standingOf = () => 'used';
  const farEnd = new FarEnd();
  const flow = new TcpFlow('tcp', farEnd as unknown as Socket, {
    inbox,
    limits: {
      ...{ firstMessageTimeoutMs: 1e6, idleTimeoutMs: 1e6, messageTimeoutMs: 1e6, stalledMs: 1e6 },
      ...{ maxBufferedBytes: 1e6, maxMessageBytes: 65_536 },
    },
    listener: 0,
    keepAlive: { everyMs: 1000, pongMs: 1000 },
    onHeard: () => undefined,
    onClosed: () => undefined,
  });
  // A message comes in two segments, and our ping goes out between them.
  farEnd.says(`${head}\r\n`);
  vi.advanceTimersByTime(1000);
  expect(farEnd.heard).toEqual(['\r\n\r\n']);
  farEnd.says('\r\n');
  expect(methods).toEqual(['OPTIONS']);
  // An answer to a ping, and another: they are no ping of the far end's.
  vi.advanceTimersByTime(1000);
  farEnd.says('\r\n');
  vi.advanceTimersByTime(1000);
  farEnd.says('\r\n');
  expect(farEnd.heard).not.toContain('\r\n');
  flow.close();
});
