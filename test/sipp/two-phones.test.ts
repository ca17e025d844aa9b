/** Phones in one session, proved by sound: SIPp signals, and the sockets that its SDP names talk and listen. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Newcomer } from '../support/rest-client.js';
import { describeWithSipp, startSipp, type SippProcess } from '../support/sipp.js';
import { TestGateway } from '../support/start-gateway.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';

/** Packets of 20 ms that an ear needs to tell tones apart well. */
const listenPackets = 25;
/** Packets until what changed has passed the jitter buffer. */
const settlePackets = 10;

interface Caller {
  readonly newcomer: Newcomer;
  readonly toneHz: number;
  readonly phone: TestPhone;
  readonly sipp: SippProcess;
}

describeWithSipp('phones by SIPp in a session', () => {
  let gateway: TestGateway;
  let sessionId: string;
  const callers: Caller[] = [];

  beforeEach(async () => {
    gateway = await TestGateway.start();
    sessionId = await gateway.rest.createSession();
  });
  afterEach(async () => {
    for (const { phone } of callers.splice(0)) phone.close();
    await gateway.stop();
  });

  /** A caller that talks in a tone of its own. */
  async function call(toneHz: number, law: 'PCMU' | 'PCMA' = 'PCMU', transport: 'udp' | 'tcp' = 'udp') {
    const newcomer = await gateway.rest.newcomer(sessionId);
    const phone = await TestPhone.open(law);
    const sipp = await startSipp('hung-up', {
      target: `127.0.0.1:${gateway.sipPort}`,
      transport,
      values: {
        headers: `User-to-User: ${newcomer.token};encoding=jwt`,
        rtpPort: phone.port,
        codec: law === 'PCMU' ? 0 : 8,
        reason: 'Q.850',
      },
    });
    const [answer] = await sipp.message(/SIP\/2\.0 200 OK[^]*?m=audio \d+[^]*?ACK/);
    phone.talk(portOf(answer), toneHz);
    const caller = { newcomer, toneHz, phone, sipp };
    callers.push(caller);
    return caller;
  }

  async function hear({ phone }: Caller): Promise<Int16Array> {
    await phone.listen(settlePackets);
    return phone.listen(listenPackets);
  }

  async function expectHears(listener: Caller, talkers: readonly Caller[]): Promise<void> {
    const heard = talkers.map(({ toneHz }) => toneHz);
    const silent = callers.map(({ toneHz }) => toneHz).filter((toneHz) => !heard.includes(toneHz));
    // A busy machine begins late, or stumbles: what is to be heard must come, and then nothing else with it.
    for (let window = 1; ; window += 1) {
      const pcm = await hear(listener);
      try {
        expectTones(pcm, { heard, silent });
        return;
      } catch (error) {
        if (window === 5) throw error;
      }
    }
  }

  async function subscribe(listener: Caller, talkers: readonly Caller[]): Promise<void> {
    const participants = talkers.map(({ newcomer }) => ({ participantId: newcomer.id }));
    await gateway.rest.done(
      'PUT',
      `/sessions/${sessionId}/participants/${listener.newcomer.id}/subscriptions`,
      {
        participants,
      },
    );
  }

  async function hangUpAll(): Promise<void> {
    await gateway.rest.done('DELETE', `/sessions/${sessionId}`);
    for (const { sipp } of callers) {
      const { exitCode, errors, messages } = await sipp.finished;
      expect(exitCode, `${errors}\n${messages}`).toBe(0);
    }
    await gateway.idle();
  }

  it.each([
    ['both in µ-law', 'PCMU', 'PCMU', 'udp'],
    ['one in µ-law, one in A-law', 'PCMU', 'PCMA', 'udp'],
    ['both in A-law, over TCP', 'PCMA', 'PCMA', 'tcp'],
  ] as const)('hear each other’s tone and not their own: %s', async (_, one, other, transport) => {
    const alice = await call(440, one, transport);
    const bob = await call(1000, other, transport);
    await Promise.all([expectHears(alice, [bob]), expectHears(bob, [alice])]);
    await hangUpAll();
  });

  it('hear those whom they subscribe to, changed live, and nobody else notices', async () => {
    const [alice, bob, carol] = [await call(440), await call(1000), await call(1700)];
    await Promise.all([
      expectHears(alice, [bob, carol]),
      expectHears(bob, [alice, carol]),
      expectHears(carol, [alice, bob]),
    ]);
    await subscribe(alice, [carol]);
    await Promise.all([
      expectHears(alice, [carol]),
      expectHears(bob, [alice, carol]),
      expectHears(carol, [alice, bob]),
    ]);
    await hangUpAll();
  });

  it('soon no longer hear whom they unsubscribed from', async () => {
    const [alice, bob, carol] = [await call(440), await call(1000), await call(1700)];
    await Promise.all(callers.map((caller) => hear(caller)));
    await subscribe(alice, [carol]);
    // 100 ms are promised, half a second is what a busy machine may need; what follows is without Bob.
    const [afterwards, atBob] = await Promise.all([
      alice.phone.listen(25).then(() => alice.phone.listen(listenPackets)),
      bob.phone.listen(listenPackets),
    ]);
    expectTones(afterwards, { heard: [carol.toneHz], silent: [bob.toneHz, alice.toneHz] });
    expectTones(atBob, { heard: [alice.toneHz, carol.toneHz], silent: [bob.toneHz] });
    await hangUpAll();
  });

  it('hear the hold sound and nobody when removed, and talk where they are added', async () => {
    const [alice, bob] = [await call(440), await call(1000)];
    await expectHears(bob, [alice]);
    await gateway.rest.done('DELETE', `/sessions/${sessionId}/participants/${alice.newcomer.id}`);
    await Promise.all([expectHears(bob, []), expectHears(alice, [])]);

    const elsewhere = await gateway.rest.createSession();
    await gateway.rest.done('DELETE', `/sessions/${sessionId}/participants/${bob.newcomer.id}`);
    for (const { newcomer } of [alice, bob]) await gateway.rest.addToSession(elsewhere, newcomer.id);
    await Promise.all([expectHears(alice, [bob]), expectHears(bob, [alice])]);
    await gateway.rest.done('DELETE', `/sessions/${elsewhere}`);
    await hangUpAll();
  });
});
