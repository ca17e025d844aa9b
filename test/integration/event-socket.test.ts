/** Our connection to FreeSWITCH's event socket, over a real socket and with time that the test owns. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventSocketRefusal, openEventSocket, type EventSocket } from '../../src/media/edge/event-socket.js';
import { ManualClock } from '../support/manual-clock.js';
import { waitFor } from '../support/wait-for.js';

let clock: ManualClock;
let server: Server;
let peer: Socket | undefined;
let heard: string;
let lost: string[];
beforeEach(async () => {
  clock = new ManualClock();
  heard = '';
  lost = [];
  server = createServer((socket) => {
    peer = socket;
    socket.on('error', () => undefined).on('data', (bytes: Buffer) => void (heard += bytes.toString()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  peer?.destroy();
  peer = undefined;
  await new Promise((resolve) => server.close(resolve));
});

function open(): Promise<EventSocket> {
  const { port } = server.address() as AddressInfo;
  return openEventSocket({
    ...{ clock, host: '127.0.0.1', port, secret: 'the secret', timeoutMs: 4000 },
    onLost: (reason) => void lost.push(reason),
  });
}

async function say(frame: string): Promise<void> {
  await waitFor('it is connected', () => peer !== undefined);
  peer?.write(`${frame}\n\n`);
}

async function openAndLogIn(): Promise<EventSocket> {
  const opening = open();
  await say('Content-Type: auth/request');
  await waitFor('it logs in', () => heard.includes('auth the secret\n\n'));
  await say('Content-Type: command/reply\nReply-Text: +OK accepted');
  return opening;
}

describe('an event socket', () => {
  it('logs in, asks and hears, and leaves no timer', async () => {
    const events = await openAndLogIn();
    const answer = events.api('status');
    await waitFor('it asks', () => heard.includes('api status\n\n'));
    await say('Content-Type: api/response\nContent-Length: 2\n\nUP');
    expect(await answer).toBe('UP');
    expect(clock.pending).toBe(0);
    events.close();
    expect(lost).toEqual([]);
  });

  it('is given up where FreeSWITCH says nothing in time', async () => {
    const opening = open();
    await waitFor('it is connected', () => peer !== undefined);
    clock.advance(4000);
    await expect(opening).rejects.toThrow('FreeSWITCH does not answer');
    expect(clock.pending).toBe(0);
  });

  it('is refused where the secret is wrong', async () => {
    const opening = open();
    await say('Content-Type: auth/request');
    await waitFor('it logs in', () => heard.includes('auth '));
    await say('Content-Type: command/reply\nReply-Text: -ERR invalid');
    await expect(opening).rejects.toBeInstanceOf(EventSocketRefusal);
    expect(clock.pending).toBe(0);
  });

  it('waits for the answer to a command no longer than it may, and tells when it is lost', async () => {
    const events = await openAndLogIn();
    const answer = events.api('status');
    clock.advance(4000);
    await expect(answer).rejects.toThrow('did not answer a command in time');
    peer?.destroy();
    await waitFor('it is told', () => lost.length > 0);
    await expect(events.api('status')).rejects.toThrow('gone');
    expect(clock.pending).toBe(0);
  });
});
