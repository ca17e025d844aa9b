/** Phones that describe themselves, hold and press keys in rare ways, through the whole gateway and whatever stands beside it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EventFollower } from '../support/events.js';
import { pressOddly } from '../support/odd-keys.js';
import { RawSip, sdpType, type RawMessage } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { AnsweredCall } from './drachtio-door.js';

let gateway: TestGateway;
let events: EventFollower;
const open: { close(): unknown }[] = [];
beforeAll(async () => {
  gateway = await TestGateway.start();
  events = await gateway.follow();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await gateway.idle();
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

interface Caller {
  readonly participantId: string;
  readonly sip: RawSip;
  readonly phone: TestPhone;
  readonly answer: RawMessage;
}

/** A phone of a participant of its own, up to the final response to its INVITE. `null`: without offer. */
async function call(describe: (own: string) => string | null): Promise<Caller> {
  const { id, token } = await gateway.rest.newcomer(await gateway.rest.createSession());
  const [sip, phone] = [await RawSip.open(gateway.sipPort), await TestPhone.open()];
  open.push(sip, phone);
  const headers = [`User-to-User: ${token};encoding=jwt`];
  const body = describe(phone.sdp()) ?? '';
  sip.send(sip.invite({ headers, body }));
  return { participantId: id, sip, phone, answer: await sip.final('INVITE') };
}

/** The same, answered and acknowledged. */
async function answered(
  describe: (own: string) => string = (own) => own,
): Promise<Caller & { call: AnsweredCall }> {
  const caller = await call(describe);
  expect(caller.answer.status).toBe(200);
  const answeredCall = new AnsweredCall(caller.sip, caller.answer);
  answeredCall.send('ACK', 1);
  await events.wait('call.established', ({ participantId }) => participantId === caller.participantId);
  return { ...caller, call: answeredCall };
}

async function hangUp({ sip, answer }: Caller, cseq: number): Promise<void> {
  new AnsweredCall(sip, answer).send('BYE', cseq);
  expect((await sip.finalTo(cseq, 'BYE')).status).toBe(200);
}

async function expectRefused({ sip, answer }: Caller, status: number, reason: string): Promise<void> {
  expect([answer.status, answer.header('Reason')]).toEqual([
    status,
    `SIP;cause=${String(status)};text="${reason}"`,
  ]);
  new AnsweredCall(sip, answer).send('ACK', 1);
}

describe('A phone whose description', () => {
  it.each([
    ['a video section without formats', 'm=video 0 RTP/AVP'],
    ['MRCP', 'm=application 9 TCP/MRCPv2'],
    ['a refused audio section without formats', 'm=audio 0 RTP/AVP'],
  ])('has %s beside its audio is answered, and that is refused in its place', async (_what, section) => {
    const caller = await answered((own) => own.replace('m=audio', `${section}\r\nm=audio`));
    const ports = caller.answer.text.match(/^m=.*$/gm)?.map((line) => Number(line.split(' ')[1]));
    expect(ports?.map((port) => port > 0)).toEqual([false, true]);
    await hangUp(caller, 2);
  });

  // A drachtio-server refuses bodies with a NUL by itself.
  const first = isBesideDrachtio ? 0x01 : 0x00;
  const isup = Buffer.from([first, 0x02, 0xff, 0x80, 0xc3, 0x28, 0x0d, 0x0a, 0x2d, 0x2d]).toString('latin1');
  const inPart = (description: string) => `Content-Type: application/sdp\r\n\r\n${description}\r\n`;
  it.each<[what: string, type: string, body: (description: string) => string]>([
    [
      'behind ISUP in octets that are no text',
      'multipart/mixed;boundary=b',
      (own) =>
        `--b\r\nContent-Type: application/ISUP;base=itu-t92+\r\n\r\n${isup}\r\n--b\r\n${inPart(own)}--b--\r\n`,
    ],
    [
      'in a multipart whose root names another boundary',
      'multipart/related;start="<a;boundary=c>";boundary="b b"',
      (own) => `--b b\r\n${inPart(own)}--b b--\r\n`,
    ],
    ['behind the mark of UTF-8', 'application/sdp;charset="utf-8"', (own) => `\xef\xbb\xbf${own}`],
  ])('stands %s is answered', async (_what, type, bodyOf) => {
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const [sip, phone] = [await RawSip.open(gateway.sipPort), await TestPhone.open()];
    open.push(sip, phone);
    const headers = [sip.contact, `User-to-User: ${token};encoding=jwt`, `Content-Type: ${type}`];
    const body = bodyOf(phone.sdp());
    const invite = sip.request('INVITE', { headers, body });
    const octets = invite.replace(/^Content-Length: .*/m, `Content-Length: ${String(body.length)}`);
    sip.send(Buffer.from(octets, 'latin1'));
    const answer = await sip.final('INVITE');
    expect(answer.status).toBe(200);
    const dialog = new AnsweredCall(sip, answer);
    dialog.send('ACK', 1);
    dialog.send('BYE', 2);
    expect((await sip.finalTo(2, 'BYE')).status).toBe(200);
  });

  it.each(['255.255.255.255', '224.0.0.1', '239.255.0.1', '999.1.1.1'])(
    'wants RTP at %s is refused as bad-sdp',
    async (address) => {
      const caller = await call((own) => own.replaceAll('127.0.0.1', address));
      await expectRefused(caller, 400, 'bad-sdp');
    },
  );

  it('wants RTP at a port of another call is refused as bad-sdp', async () => {
    const other = await answered();
    const port = portOf(other.answer.text);
    const caller = await call((own) => own.replace(/m=audio \d+/, `m=audio ${String(port)}`));
    await expectRefused(caller, 400, 'bad-sdp');
    await hangUp(other, 2);
  });

  it('is in IN IP6 is answered in IN IP6, or refused as having no codec', async () => {
    const caller = await call((own) => own.replaceAll('IP4 127.0.0.1', 'IP6 ::1'));
    if (caller.answer.status === 200) {
      expect(caller.answer.text).toContain('c=IN IP6 ::1');
      new AnsweredCall(caller.sip, caller.answer).send('ACK', 1);
      await hangUp(caller, 2);
    } else await expectRefused(caller, 488, 'no-common-codec');
  });
});

describe('A phone is told of as held', () => {
  const sendonly = (own: string): string => own.replace('a=sendrecv', 'a=sendonly');

  async function expectHolds({ participantId }: Caller, ...types: string[]): Promise<void> {
    const trail = () =>
      events.seen
        .filter((event) => event.participantId === participantId)
        .map(({ type }) => type as string)
        .filter((type) => type === 'call.held' || type === 'call.resumed');
    await expect.poll(trail).toEqual(types);
    const [leg] = await gateway.rest.legs();
    expect(leg?.held).toBe(types.at(-1) === 'call.held');
  }

  it.each([
    ['sends alone', sendonly],
    ['is from nowhere', (own: string) => own.replaceAll('127.0.0.1', '0.0.0.0')],
    ['sends alone, in capitals', (own: string) => own.replace('a=sendrecv', 'a=SendOnly')],
    ['is from nowhere, in all its places', (own: string) => own.replaceAll('127.0.0.1', '000.000.000.000')],
    ['says inactive', (own: string) => own.replace('a=sendrecv', 'a=inactive')],
    [
      'says so in the section that is used, not in the one that is refused',
      (own: string) => sendonly(own).replace('m=audio', 'm=audio 9002 RTP/SAVP 0\r\na=sendrecv\r\nm=audio'),
    ],
  ])('where its first offer %s', async (_what, describe) => {
    const caller = await answered(describe);
    await expectHolds(caller, 'call.held');
    caller.call.send('INVITE', 2, [caller.sip.contact, sdpType], caller.phone.sdp());
    expect((await caller.sip.finalTo(2, 'INVITE')).status).toBe(200);
    caller.call.send('ACK', 2);
    await expectHolds(caller, 'call.held', 'call.resumed');
    await hangUp(caller, 3);
  });

  it('where the ACK of an INVITE without offer says so, the first and later ones', async () => {
    const caller = await call(() => null);
    expect(caller.answer.status).toBe(200);
    const dialog = new AnsweredCall(caller.sip, caller.answer);
    dialog.send('ACK', 1, [sdpType], sendonly(caller.phone.sdp()));
    await expectHolds(caller, 'call.held');
    for (const [cseq, description, ...types] of [
      [2, caller.phone.sdp(), 'call.held', 'call.resumed'],
      [3, sendonly(caller.phone.sdp()), 'call.held', 'call.resumed', 'call.held'],
    ] as const) {
      dialog.send('INVITE', cseq, [caller.sip.contact]);
      expect((await caller.sip.finalTo(cseq, 'INVITE')).status).toBe(200);
      dialog.send('ACK', cseq, [sdpType], description);
      await expectHolds(caller, ...types);
    }
    await hangUp(caller, 4);
  });
});

describe('A phone that sends each press as telephone event and as INFO', () => {
  const info = (key: string, durationMs: number): [string[], string] => [
    ['Content-Type: application/dtmf-relay'],
    `Signal=${key}\r\nDuration=${String(durationMs)}\r\n`,
  ];

  it.each([
    ['when it is pressed', true, 5],
    ['when it is let go', false, 5],
    ['when it is pressed, for a second', true, 45],
    ['when it is let go after a second', false, 45],
  ])('has pressed each key once: INFO %s', async (_what, isFirst, updates) => {
    const caller = await answered();
    const { participantId, phone, sip } = caller;
    const to = portOf(caller.answer.text);
    const digits = () =>
      events
        .ofType('dtmf.received')
        .filter((event) => event.participantId === participantId)
        .map(({ data }) => data.digit)
        .join('');
    for (const [index, key] of Array.from('112#').entries()) {
      const cseq = index + 2;
      const [headers, body] = info(key, (updates + 1) * 20);
      if (isFirst) caller.call.send('INFO', cseq, [sip.contact, ...headers], body);
      await pressOddly(phone, to, key, { updates, pausePackets: 5 });
      if (!isFirst) caller.call.send('INFO', cseq, [sip.contact, ...headers], body);
      expect((await sip.finalTo(cseq, 'INFO')).status).toBe(200);
      await phone.listen(10);
    }
    await phone.listen(60);
    expect(digits()).toBe('112#');
    await hangUp(caller, 9);
  });
});
