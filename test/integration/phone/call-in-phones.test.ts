/** Phones that call in for the console, towards a server that answers when it is told to. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CallInPhones } from '../../../src/softphone/call-in-phones.js';
import { waitFor } from '../../support/wait-for.js';

let server: Socket;
let phones: CallInPhones;
/** From now on the server refuses every call, also those that it has heard. */
let isBusy: boolean;
beforeEach(async () => {
  isBusy = false;
  // What was not answered is sent again, so there is always one more to answer.
  server = createSocket('udp4', refuse).bind(0, '127.0.0.1');
  await once(server, 'listening');
  phones = new CallInPhones({
    gateway: () => `127.0.0.1:${server.address().port}`,
    voice: () => new Int16Array(160),
    maxCalls: 3,
    maxCallsPerAccount: 2,
    maxSeconds: 60,
  });
});
afterEach(async () => {
  isBusy = true;
  await phones.close();
  server.close();
});

function refuse(message: Buffer, { port, address }: RemoteInfo): void {
  const lines = message.toString().split('\r\n');
  if (!isBusy || lines[0]?.startsWith('INVITE') !== true) return;
  const copied = lines.filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/i.test(line));
  const answer = ['SIP/2.0 486 Busy Here', ...copied, 'Content-Length: 0', '', ''].join('\r\n');
  server.send(answer, port, address);
}

const start = (accountId: string) => phones.start({ accountId, joinCode: '000000000000' });

describe('phones that call in', () => {
  it('are so many, and so many of one account', async () => {
    const [first, second] = [await start('acme'), await start('acme')];
    expect([first?.state, second?.state]).toEqual(['calling', 'calling']);
    expect(await start('acme')).toBeNull();
    expect((await start('other'))?.state).toBe('calling');
    expect(await start('third')).toBeNull();
  });

  it('make room when their calls have ended', async () => {
    const callId = (await start('acme'))?.callId ?? '';
    await start('acme');
    isBusy = true;
    await waitFor('the end of the call', () => phones.get('acme', callId)?.state === 'ended');
    expect(phones.get('acme', callId)?.sipStatus).toBe(486);
    expect(phones.get('other', callId)).toBeNull();
    expect((await start('acme'))?.state).toBe('calling');
  });
});
