/** Calls against the running gateway, by hand where no decent client would do it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { levelAt } from '../../src/media/worker/sound/dominant-frequency.js';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import type { EventFollower } from '../support/events.js';
import { callGateway } from '../support/gateway-phone.js';
import { phoneHears } from '../support/phone-hearing.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import type { Newcomer } from '../support/rest-client.js';
import { isBesideFreeSwitch } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;
let events: EventFollower;
let sessionId: string;
let caller: Newcomer;
const closing: { close(): unknown }[] = [];

beforeAll(async () => {
  gateway = await TestGateway.start({ environment: { LANDBRIDGE_RTP_FIRST_PACKET_TIMEOUT_SECONDS: '6' } });
  events = await gateway.follow();
});
beforeEach(async () => {
  sessionId = await gateway.rest.createSession();
  caller = await gateway.rest.newcomer(sessionId);
});
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
  await gateway.idle();
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

async function openSip(): Promise<RawSip> {
  const sip = await RawSip.open(gateway.sipPort);
  closing.push(sip);
  return sip;
}

async function openPhone(): Promise<TestPhone> {
  const phone = await TestPhone.open();
  closing.push(phone);
  return phone;
}

async function call(token: string, options: Parameters<typeof callGateway>[2] = {}): Promise<PhoneCall> {
  const phone = await callGateway(gateway, token, options);
  closing.push(phone);
  return phone;
}

const uui = (token: string) => `User-to-User: ${token};encoding=jwt`;
const tagOf = (to: string | undefined) => /tag=([^;>\s]+)/.exec(to ?? '')?.[1];
const ofCaller = ({ participantId }: { participantId: string | null }) => participantId === caller.id;

/** INVITE, 200, ACK; resolves with what a BYE needs and where RTP goes. */
async function answered(sip: RawSip, rtpPort: number, headers: readonly string[] = [uui(caller.token)]) {
  sip.send(sip.invite({ headers, body: audioOffer(rtpPort, '0 101') }));
  const ok = await sip.final('INVITE');
  expect(ok.startLine).toBe('SIP/2.0 200 OK');
  const toTag = tagOf(ok.header('To'));
  sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
  await events.wait('participant.joined', ofCaller);
  return { toTag, gatewayPort: portOf(ok.text) };
}

describe('an INVITE', () => {
  it('whose token is folded over lines is answered', async () => {
    const sip = await openSip();
    const { toTag } = await answered(sip, 9, [`User-to-User:\r\n ${caller.token}\r\n\t;encoding=jwt`]);
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    expect((await sip.final('BYE')).status).toBe(200);
    await events.wait('participant.left', ofCaller);
  });

  it('that is canceled in the same breath leaves nothing, whichever way it went', async () => {
    for (let round = 0; round < 10; round += 1) {
      const sip = await RawSip.open(gateway.sipPort);
      sip.send(sip.invite({ headers: [uui(caller.token)], body: audioOffer(9) }));
      sip.send(sip.request('CANCEL'));
      expect((await sip.final('CANCEL')).status).toBe(200);
      const final = await sip.final('INVITE');
      expect([200, 487]).toContain(final.status);
      const toTag = tagOf(final.header('To'));
      if (final.status === 200) {
        sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
        sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
        expect((await sip.final('BYE')).status).toBe(200);
      } else {
        sip.send(sip.request('ACK', { toTag }));
      }
      sip.close();
      await gateway.idle();
    }
    // A FreeSWITCH that opens a leg does so to the end before it closes it.
    await waitFor('no port is left', () => gateway.openRtpPorts().length === 0);
  });

  it('that is retransmitted is one call and gets the same answer', async () => {
    const sip = await openSip();
    const invite = sip.invite({ headers: [uui(caller.token)], body: audioOffer(9) });
    sip.send(invite);
    sip.send(invite);
    const first = await sip.final('INVITE');
    sip.send(invite);
    await waitFor(
      'the answer came again',
      () => sip.received.filter(({ status }) => status === 200).length > 1,
    );
    expect(new Set(sip.received.filter(({ status }) => status === 200).map(({ text }) => text)).size).toBe(1);
    expect(await gateway.rest.legs()).toHaveLength(1);
    const toTag = tagOf(first.header('To'));
    sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    expect((await sip.final('BYE')).status).toBe(200);
  });

  it('that was refused gets the same refusal when it is retransmitted, and none after the ACK', async () => {
    const sip = await openSip();
    const invite = sip.invite({ headers: [uui('a.b.c')], body: audioOffer(9) });
    sip.send(invite);
    const refusal = await sip.final('INVITE');
    expect(refusal.status).toBe(403);
    expect(refusal.header('Reason')).toBe('SIP;cause=403;text="token-invalid"');
    const before = sip.received.length;
    sip.send(invite);
    await waitFor('the refusal came again', () => sip.received.length > before);
    expect(new Set(sip.received.filter(({ status = 0 }) => status >= 200).map(({ text }) => text)).size).toBe(
      1,
    );
    sip.send(sip.request('ACK', { toTag: tagOf(refusal.header('To')) }));
    const refused = () =>
      gateway.log.filter((line) => line.msg === 'call refused' && line['callId'] === sip.callId);
    await waitFor('it is logged', () => refused().length > 0);
    expect(refused()).toHaveLength(1);
  });

  it('with video is answered with audio alone, the video at port 0', async () => {
    const sip = await openSip();
    const body = `${audioOffer(9)}m=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n`;
    sip.send(sip.invite({ headers: [uui(caller.token)], body }));
    const ok = await sip.final('INVITE');
    expect(ok.text).toMatch(/m=audio [1-9]\d* /);
    expect(ok.text).toMatch(/m=video 0 /);
    const toTag = tagOf(ok.header('To'));
    sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    await sip.final('BYE');
  });

  it('without Contact is refused with 400', async () => {
    const sip = await openSip();
    const text = sip.invite({ headers: [uui(caller.token)], body: audioOffer(9) });
    sip.send(text.replace(/Contact: [^\r]*\r\n/, ''));
    expect((await sip.final('INVITE')).status).toBe(400);
  });
});

describe('requests out of place', () => {
  it('a second BYE, a re-INVITE and an INFO after the end are answered 481', async () => {
    const sip = await openSip();
    const { toTag } = await answered(sip, 9);
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    expect((await sip.final('BYE')).status).toBe(200);
    await gateway.idle();
    sip.received.length = 0;
    for (const [index, method] of ['BYE', 'INFO', 'INVITE'].entries()) {
      const headers = [`Contact: <sip:raw@127.0.0.1:${sip.port}>`];
      const branch = `z9hG4bKlate${index}`;
      sip.send(sip.request(method, { cseq: 3 + index, toTag, branch, headers }));
      const final = await sip.final(method);
      expect(final.status).toBe(481);
      if (method === 'INVITE') sip.send(sip.request('ACK', { cseq: 5, toTag, branch }));
    }
  });
});

describe('key presses', () => {
  it('by RFC 4733 are one event each, whatever the retransmissions', async () => {
    const phone = await call(caller.token);
    await events.wait('participant.joined', ofCaller);
    await phone.sendDtmf('15#');
    await waitFor('three key presses', () => events.ofType('dtmf.received').filter(ofCaller).length >= 3);
    await phone.hangUp();
    await events.wait('participant.left', ofCaller);
    const keys = events.ofType('dtmf.received').filter(ofCaller);
    expect(keys.map(({ data }) => data.digit)).toEqual(['1', '5', '#']);
    for (const { data, sessionId: where } of keys) {
      expect(data.durationMs).toBeGreaterThan(0);
      expect(where).toBe(sessionId);
    }
  });

  it('by SIP INFO are events, too', async () => {
    const sip = await openSip();
    const { toTag } = await answered(sip, 9);
    const body = 'Signal=7\r\nDuration=120\r\n';
    const headers = ['Content-Type: application/dtmf-relay'];
    const info = sip.request('INFO', { cseq: 2, toTag, branch: 'z9hG4bKinfo', headers, body });
    sip.send(info);
    expect((await sip.final('INFO')).status).toBe(200);
    sip.send(info);
    const key = await events.wait('dtmf.received', ofCaller);
    expect(key.data).toMatchObject({ digit: '7', durationMs: 120 });
    sip.send(sip.request('BYE', { cseq: 3, toTag, branch: 'z9hG4bKbye' }));
    await sip.final('BYE');
    await events.wait('participant.left', ofCaller);
    expect(events.ofType('dtmf.received').filter(ofCaller)).toHaveLength(1);
  });
});

describe('RTP', () => {
  it('from strangers is heard by nobody, and not answered', async () => {
    const listener = await gateway.rest.newcomer(sessionId);
    const ear = await call(listener.token);
    const [sip, phone, stranger] = [await openSip(), await openPhone(), await openPhone()];
    const { toTag, gatewayPort } = await answered(sip, phone.port);
    phone.talk(gatewayPort, 440);
    await waitFor('the caller is heard', () => ear.heard.durationMs > 300);
    stranger.talk(gatewayPort, 1500);
    await phone.listen(40);
    stranger.hush();
    await phoneHears({ call: ear }, 440);
    expect(levelAt(ear.heard.recording(), 8000, 1500)).toBeLessThan(-50);
    expect(stranger.heard).toHaveLength(0);
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    await sip.final('BYE');
    await ear.hangUp();
  });

  // Behind FreeSWITCH it is its port that a stranger streams to.
  it.skipIf(isBesideFreeSwitch)(
    'of a phone behind a NAT is heard, and answered, though a stranger streams to its port since before',
    async () => {
      const listener = await gateway.rest.newcomer(sessionId);
      const ear = await call(listener.token);
      const sip = await RawSip.open(gateway.sipPort, '127.0.0.2');
      const phone = await TestPhone.open('PCMU', '127.0.0.2', '127.0.0.1');
      const stranger = await TestPhone.open('PCMU', '127.0.0.3', '127.0.0.1');
      closing.push(sip, phone, stranger);
      // In its own network it has an address that nobody reaches.
      const body = audioOffer(4000).replaceAll('127.0.0.1', '127.0.0.77');
      sip.send(sip.invite({ headers: [uui(caller.token)], body }));
      const ok = await sip.final('INVITE');
      const gatewayPort = portOf(ok.text);
      stranger.talk(gatewayPort, 1500);
      const toTag = tagOf(ok.header('To'));
      sip.send(sip.request('ACK', { toTag, branch: 'z9hG4bKack' }));
      await stranger.listen(20);
      phone.talk(gatewayPort, 440);
      await phone.listen(40);
      const heardByStranger = stranger.heard.length;
      await phone.listen(20);
      expect(stranger.heard).toHaveLength(heardByStranger);
      await phoneHears({ call: ear }, 440);
      // Heard until the phone's own packets were there, the stranger is no more.
      expect(levelAt(ear.heard.window(300), 8000, 1500)).toBeLessThan(-50);
      sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
      await sip.final('BYE');
      await ear.hangUp();
    },
  );

  it('that never comes ends the call as media-timeout with a BYE', async () => {
    const sip = await openSip();
    await answered(sip, 9);
    const bye = await sip.wait('BYE', ({ startLine }) => startLine.startsWith('BYE '));
    expect(bye.header('Reason')).toContain('media-timeout');
    sip.ok(bye);
    const left = await events.wait('participant.left', ofCaller);
    expect(left.data.outcome).toMatchObject({ endedBy: 'gateway', reason: 'media-timeout' });
  });

  it('goes out from the answer on, silence included', async () => {
    const [sip, phone] = [await openSip(), await openPhone()];
    const { toTag } = await answered(sip, phone.port);
    const pcm = await phone.listen(20);
    expectTones(pcm, { silent: [440, 1000] });
    sip.send(sip.request('BYE', { cseq: 2, toTag, branch: 'z9hG4bKbye' }));
    await sip.final('BYE');
    await gateway.idle();
    await waitFor('ports are closed', () => gateway.openRtpPorts().length === 0);
  });
});
