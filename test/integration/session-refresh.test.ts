/** What a phone answers to a session refresh of our SIP server, of which the gateway did not know that it was due. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSipServer, type SipServer } from '../../src/sip-server/index.js';
import { systemClock, type Clock } from '../../src/sip-server/transaction/clock.js';
import { audioOffer } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';
import { AnsweredCall, DoorStage } from './drachtio-door.js';

/** Half of the interval that the phone asks for. */
const refreshAfterMs = 45_000;
const loopback = { host: '127.0.0.1', port: 0 };
const secret = 'the secret of the SIP server';

/** Timers of refreshes run out when the test says so. */
class RefreshClock implements Clock {
  readonly #due = new Map<unknown, () => void>();
  nowMs(): number {
    return systemClock.nowMs();
  }
  setTimer(delayMs: number, callback: () => void): unknown {
    if (delayMs !== refreshAfterMs) return systemClock.setTimer(delayMs, callback);
    const timer = {};
    this.#due.set(timer, callback);
    return timer;
  }
  clearTimer(timer: unknown): void {
    if (!this.#due.delete(timer)) systemClock.clearTimer(timer);
  }
  get isDue(): boolean {
    return this.#due.size > 0;
  }
  runOut(): void {
    for (const [timer, callback] of [...this.#due]) {
      this.#due.delete(timer);
      callback();
    }
  }
}

let clock: RefreshClock;
let server: SipServer;
let stage: DoorStage;
beforeEach(async () => {
  clock = new RefreshClock();
  server = await createSipServer({ udp: loopback, admin: { ...loopback, secret }, clock });
  stage = await DoorStage.open([], {}, { host: '127.0.0.1', port: server.adminAddress.port, secret });
});
afterEach(async () => {
  await stage.close();
  await server.close();
});

it('counts: its address, codec and direction reach the media', async () => {
  const agent = await stage.agent(server.udpAddress?.port ?? 0);
  const { token } = await stage.domain.participant();
  const headers = [`X-Token: ${token}`, 'Session-Expires: 90;refresher=uas', 'Allow: INVITE, ACK, BYE'];
  agent.send(agent.invite({ headers, body: audioOffer(4000) }));
  const call = new AnsweredCall(agent, await agent.final('INVITE'));
  call.send('ACK', 1);
  await waitFor('it is established', () => stage.domain.ofType('call.established').length === 1);
  for (const port of [4002, 4004]) {
    await waitFor('a refresh is planned', () => clock.isDue);
    agent.received.length = 0;
    clock.runOut();
    const refresh = await call.request('INVITE');
    expect(refresh.header('Session-Expires')).toBe('90;refresher=uac');
    expect(refresh.text).toContain('offer of ours');
    const answer = `${audioOffer(port, '8')}a=sendonly\r\n`;
    const copied = refresh.text.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/.test(line));
    const own = [
      `Contact: <sip:raw@127.0.0.1:${agent.port}>`,
      'Session-Expires: 90;refresher=uac',
      'Content-Type: application/sdp',
    ];
    const length = `Content-Length: ${answer.length}`;
    agent.send(['SIP/2.0 200 OK', ...copied, ...own, length, '', answer].join('\r\n'));
    await call.request('ACK');
    await waitFor('the media has the answer', () =>
      stage.domain.media.legs[0]?.log.includes(`accept ${answer}`),
    );
  }
  call.send('BYE', 2);
  expect(await agent.final('BYE')).toMatchObject({ status: 200 });
  await waitFor('the call is over', () => stage.door.callCount === 0);
});
