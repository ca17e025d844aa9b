/** What a caller with a good token can do to the others: nothing. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audioOffer, RawSip, type RawMessage } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';

let gateway: TestGateway;
let sessionId: string;
beforeAll(async () => {
  gateway = await TestGateway.start();
  sessionId = await gateway.rest.createSession();
});
afterAll(() => gateway.stop());

/** What the process has worked so far, whatever else the machine did. */
function cpuMs(pid: number): number {
  // Behind the name in brackets: utime and stime are fields 14 and 15 of proc(5), in hundredths of a second.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

interface Caller {
  readonly sip: RawSip;
  readonly answer: RawMessage;
  readonly toTag: string | undefined;
}

/** A call of a participant of its own, up to its final response and the ACK. */
async function call(body: (sip: RawSip) => string): Promise<Caller> {
  const { token } = await gateway.rest.newcomer(sessionId);
  const sip = await RawSip.open(gateway.sipPort);
  sip.send(sip.invite({ headers: [`User-to-User: ${token};encoding=jwt`], body: body(sip) }));
  const answer = await sip.final('INVITE');
  const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
  sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
  return { sip, answer, toTag };
}

/** Each m-line makes the answer longer than the offer. */
function browserOffer(sections: number, refusedFormats: number): string {
  const mids = Array.from({ length: sections }, (_, index) => String(index));
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${mids.join(' ')}`,
    'a=ice-ufrag:abcd',
    'a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AA').join(':')}`,
    'a=setup:actpass',
    ...mids.flatMap((mid) => [
      'm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8',
      `a=mid:${mid}`,
      'a=rtcp-mux',
      'a=rtpmap:111 opus/48000/2',
    ]),
    `m=application 9 X${' 12345678'.repeat(refusedFormats)}`,
    'a=mid:refused',
    '',
  ].join('\r\n');
}

describe('A stranger who knows the numbers of a call', () => {
  // The dialogs of a drachtio-server are its own.
  it.skipIf(isBesideDrachtio)('keeps nobody from ending it, whatever CSeq his requests have', async () => {
    const { sip, toTag } = await call(({ port }) => audioOffer(port));
    const stranger = await RawSip.open(gateway.sipPort, '127.0.0.9');
    const headers = ['Content-Type: application/dtmf-relay'];
    const forged = { toTag, branch: 'z9hG4bKforged', headers, body: 'Signal=1\r\nDuration=100' };
    stranger.send(sip.request('INFO', { ...forged, cseq: 2_147_483_647 }));
    // The answer goes to where it came from.
    expect((await stranger.final('INFO')).status).toBe(200);
    sip.send(sip.request('INFO', { ...forged, branch: 'z9hG4bKown', cseq: 2 }));
    expect((await sip.final('INFO')).status).toBe(200);
    sip.send(sip.request('BYE', { cseq: 3, toTag, branch: 'z9hG4bKbye' }));
    // It was 500, and the call stayed up.
    expect((await sip.final('BYE')).status).toBe(200);
    await gateway.idle();
    sip.close();
    stranger.close();
  });
});

describe('A caller with a good token', () => {
  // Behind a drachtio-server such an answer is not made; drachtio-hostile.test.ts shows it.
  it.skipIf(isBesideDrachtio)(
    'whose answer is longer than any SIP message that comes in ends nobody else’s call',
    async () => {
      const victim = await call(({ port }) => audioOffer(port));
      expect(victim.answer.status).toBe(200);
      const offer = browserOffer(62, 5000);
      expect(offer.length).toBeLessThan(65_536);
      const { token } = await gateway.rest.newcomer(sessionId);
      const sip = await RawSip.open(gateway.sipPort);
      sip.send(sip.invite({ headers: [`User-to-User: ${token};encoding=jwt`], body: offer }));
      // The answer fits no datagram, so the caller never sees it; the gateway did all that it could for it.
      const isAnswered = async () => (await gateway.rest.legs()).some(({ kind }) => kind === 'browser');
      await expect.poll(isAnswered).toBe(true);
      const ready = await fetch(`${gateway.origin}/ready`);
      expect(await ready.json()).toEqual({ ready: true });
      victim.sip.send(victim.sip.request('BYE', { cseq: 2, toTag: victim.toTag, branch: 'z9hG4bKbye' }));
      expect((await victim.sip.final('BYE')).status).toBe(200);
      expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([]);
      for (const leg of await gateway.rest.legs()) await gateway.rest.done('DELETE', `/legs/${leg.id}`);
      await gateway.idle();
      victim.sip.close();
      sip.close();
    },
  );

  it('stops the gateway for no moment with a long body of nothing', async () => {
    const { sip, toTag } = await call(({ port }) => audioOffer(port));
    const before = cpuMs(gateway.pid);
    const headers = ['Content-Type: application/dtmf-relay'];
    const body = '\n'.repeat(60_000);
    sip.send(sip.request('INFO', { cseq: 2, toTag, branch: 'z9hG4bKinfo', headers, body }));
    expect((await sip.final('INFO')).status).toBe(415);
    expect(cpuMs(gateway.pid) - before).toBeLessThan(1000);
    sip.send(sip.request('BYE', { cseq: 3, toTag, branch: 'z9hG4bKbye' }));
    await sip.final('BYE');
    await gateway.idle();
    sip.close();
  });
});
