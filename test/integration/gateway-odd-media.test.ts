/** Phones whose RTP is rare, through the whole gateway: what others hear of them, what is told of them, and where they may be. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { formatTelephoneEvent } from '../../src/media/worker/codec/telephone-event.js';
import { dominantFrequencyHz, levelAt } from '../../src/media/worker/sound/dominant-frequency.js';
import type { EventFollower } from '../support/events.js';
import { RawSip, sdpType, type RawMessage } from '../support/raw-sip.js';
import { isBesideDrachtio, isBesideFreeSwitch } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { waitFor } from '../support/wait-for.js';
import { AnsweredCall } from './drachtio-door.js';

let gateway: TestGateway;
/** Bound to no address. */
let open: TestGateway;
let events: EventFollower;
const closing: { close(): unknown }[] = [];
beforeAll(async () => {
  [gateway, open] = await Promise.all([
    TestGateway.start({ environment: { LANDBRIDGE_RTP_TIMEOUT_SECONDS: '3' } }),
    TestGateway.start({ environment: { LANDBRIDGE_SIP_HOST: '0.0.0.0', LANDBRIDGE_PUBLIC_IP: '127.0.0.1' } }),
  ]);
  events = await gateway.follow();
});
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
  await Promise.all([gateway.idle(), open.idle()]);
});
afterAll(async () => {
  await events.close();
  await Promise.all([gateway.stop(), open.stop()]);
});

interface Caller {
  readonly participantId: string;
  readonly sip: RawSip;
  readonly phone: TestPhone;
  readonly answer: RawMessage;
}

/** Up to the final response to its INVITE. */
async function call(
  describe: (own: string) => string = (own) => own,
  { to = gateway, sessionId = null as string | null } = {},
): Promise<Caller> {
  const { id, token } = await to.rest.newcomer(sessionId ?? (await to.rest.createSession()));
  const [sip, phone] = [await RawSip.open(to.sipPort), await TestPhone.open()];
  closing.push(sip, phone);
  sip.send(sip.invite({ headers: [`User-to-User: ${token};encoding=jwt`], body: describe(phone.sdp()) }));
  return { participantId: id, sip, phone, answer: await sip.final('INVITE') };
}

class Talker {
  readonly #caller: Caller;
  readonly call: AnsweredCall;
  /** The gateway's port. */
  readonly port: number;
  #cseq = 1;

  private constructor(caller: Caller) {
    this.#caller = caller;
    this.call = new AnsweredCall(caller.sip, caller.answer);
    this.port = portOf(caller.answer.text);
  }

  /** Answered and acknowledged. */
  static async in(sessionId: string): Promise<Talker> {
    const caller = await call(undefined, { sessionId });
    expect(caller.answer.status).toBe(200);
    const talker = new Talker(caller);
    talker.call.send('ACK', 1);
    await events.wait('participant.joined', ({ participantId }) => participantId === caller.participantId);
    return talker;
  }

  get phone(): TestPhone {
    return this.#caller.phone;
  }

  get digits(): string {
    const own = ({ participantId }: { participantId: string | null }) =>
      participantId === this.#caller.participantId;
    return events
      .ofType('dtmf.received')
      .filter(own)
      .map(({ data }) => data.digit)
      .join('');
  }

  async request(method: string, headers: readonly string[] = [], body = ''): Promise<RawMessage> {
    const cseq = ++this.#cseq;
    this.call.send(method, cseq, [this.#caller.sip.contact, ...headers], body);
    const response = await this.#caller.sip.finalTo(cseq, method);
    if (method === 'INVITE') this.call.send('ACK', cseq);
    return response;
  }

  /** Audio of one octet over and over, a packet for each that it hears. */
  async say(packets: number, octet: number): Promise<void> {
    for (let n = 0; n < packets; n++) {
      this.phone.send(this.port, new Uint8Array(160).fill(octet));
      await this.phone.listen(1);
    }
  }

  event(code: number, duration: number, end: boolean): void {
    const payload = new Uint8Array(4);
    formatTelephoneEvent({ event: code, duration, end, volume: 10 }, payload);
    this.phone.send(this.port, payload, { payloadType: 101, samples: 0 });
  }
}

const both = async (): Promise<[Talker, Talker]> => {
  const sessionId = await gateway.rest.createSession();
  return [await Talker.in(sessionId), await Talker.in(sessionId)];
};
const hangUp = (...all: readonly Talker[]) => Promise.all(all.map((one) => one.request('BYE')));

const relay = 'Content-Type: application/dtmf-relay; charset="utf-8"';

describe('A phone', () => {
  // FreeSWITCH passes on which of the two it likes.
  it.skipIf(isBesideFreeSwitch)(
    'that sends two streams at once is heard at 8000 samples a second: the one that began last',
    async () => {
      const [a, b] = await both();
      const { phone } = a;
      await a.say(10, 0x21);
      let other = { ssrc: phone.ssrc ^ 1, sequenceNumber: 9, timestamp: 77 };
      const from = b.phone.heard.length;
      for (let n = 0; n < 200; n++) {
        for (const octet of [0x21, 0x22]) {
          phone.send(a.port, new Uint8Array(160).fill(octet));
          const { ssrc, sequenceNumber, timestamp } = phone;
          Object.assign(phone, other);
          other = { ssrc, sequenceNumber, timestamp };
        }
        await phone.listen(1);
      }
      const heard = b.phone.heard.slice(from);
      const [first, last] = [heard[0]!, heard.at(-1)!];
      expect((last.timestamp - first.timestamp) >>> 0).toBeLessThan(250 * 160);
      expect(heard.slice(20).every(({ payload }) => payload[0] === 0x22)).toBe(true);
      await hangUp(a, b);
    },
  );

  it('that tells of a press when it begins and when it ends alone, and by INFO, has pressed one key', async () => {
    const a = await Talker.in(await gateway.rest.createSession());
    await a.say(10, 0x21);
    a.event(5, 160, false);
    const began = a.phone.timestamp;
    await a.say(50, 0x21);
    const now = a.phone.timestamp;
    for (let n = 0; n < 3; n++) {
      a.phone.timestamp = began;
      a.event(5, 50 * 160, true);
    }
    a.phone.timestamp = now;
    expect((await a.request('INFO', [relay], '\r\nsignal = "5"\r\nduration=1000\r\n')).status).toBe(200);
    expect((await a.request('INFO', [relay], 'Signal=#')).status).toBe(200);
    await a.say(60, 0x21);
    expect(a.digits).toBe('5#');
    await hangUp(a);
  });

  // drachtio-server answers a NUL with 400 itself.
  it.skipIf(isBesideDrachtio)('whose INFO ends with a NUL has pressed its key', async () => {
    const a = await Talker.in(await gateway.rest.createSession());
    expect((await a.request('INFO', [relay], 'Signal=5\r\nDuration=160\r\n\0')).status).toBe(200);
    expect((await a.request('INFO', [relay], 'Signal=#\0')).status).toBe(200);
    await waitFor('both keys', () => a.digits.length === 2);
    expect(a.digits).toBe('5#');
    await hangUp(a);
  });

  it('that is muted and sends empty datagrams to keep its NAT open stays, and is hung up when it is gone', async () => {
    const a = await Talker.in(await gateway.rest.createSession());
    await a.say(5, 0x21);
    for (let n = 0; n < 15; n++) {
      a.phone.sendBytes(a.port, new Uint8Array(0));
      await a.phone.listen(20);
    }
    expect(await gateway.rest.legs()).toMatchObject([{ state: 'established' }]);
    expect((await a.call.hungUp()).header('Reason')).toMatch(/media-timeout/);
  });

  it('that a re-INVITE moves to another host is heard there, though a stranger is there first', async () => {
    const [a, b] = await both();
    a.phone.talk(a.port, 440);
    b.phone.talk(b.port, 1000);
    await b.phone.listen(20);
    const moved = await TestPhone.open('PCMU', '127.0.0.3', '127.0.0.1');
    const stranger = await TestPhone.open('PCMU', '127.0.0.4', '127.0.0.1');
    closing.push(moved, stranger);
    a.phone.hush();
    expect((await a.request('INVITE', [sdpType], moved.sdp())).status).toBe(200);
    stranger.talk(a.port, 1500);
    await b.phone.listen(5);
    moved.talk(a.port, 700);
    await moved.listen(10);
    const [atMoved, atB] = await Promise.all([moved.listen(30), b.phone.listen(30)]);
    expect(dominantFrequencyHz(atMoved, 8000)).toBeCloseTo(1000, -1);
    expect(dominantFrequencyHz(atB, 8000)).toBeCloseTo(700, -1);
    expect(levelAt(atB, 8000, 1500)).toBeLessThan(-50);
    await hangUp(a, b);
  });

  it('whose keys have an SSRC of their own, beside comfort noise, looks like no loss to who hears it', async () => {
    const [a, b] = await both();
    const { phone } = a;
    await a.say(20, 0x21);
    await b.phone.until(() => b.phone.heard.at(-1)?.payload[0] === 0x21);
    const from = b.phone.heard.length;
    for (let n = 0; n < 5; n++) {
      phone.send(a.port, new Uint8Array(1), { payloadType: 13 });
      await phone.listen(1);
    }
    await a.say(5, 0x21);
    const { ssrc, sequenceNumber, timestamp } = phone;
    Object.assign(phone, { ssrc: ssrc ^ 1, sequenceNumber: 9 });
    for (let n = 1; n <= 8; n++) a.event(7, Math.min(n, 6) * 160, n > 5);
    Object.assign(phone, { ssrc, sequenceNumber, timestamp });
    await a.say(20, 0x22);
    await b.phone.until(() => b.phone.heard.at(-1)?.payload[0] === 0x22);
    const heard = b.phone.heard.slice(from);
    heard.slice(1).forEach((packet, i) => {
      expect((packet.sequenceNumber - heard[i]!.sequenceNumber) & 0xffff).toBe(1);
    });
    expect(a.digits).toBe('7');
    await hangUp(a, b);
  });
});

const rtcpElsewhere: readonly (readonly [what: string, line: string])[] = [
  ['a group for its RTCP', 'a=rtcp:9 IN IP4 224.0.0.1'],
  ['all hosts of a network for its RTCP', 'a=rtcp:9 IN IP4 127.255.255.255'],
];

describe('A phone that wants RTP at', () => {
  const expectRefused = ({ sip, answer }: Caller) => {
    expect([answer.status, answer.header('Reason')]).toEqual([400, 'SIP;cause=400;text="bad-sdp"']);
    new AnsweredCall(sip, answer).send('ACK', 1);
  };

  it.each<readonly [what: string, line: string]>([
    ['all hosts of a network that the gateway is in', 'c=IN IP4 127.255.255.255'],
    ['a group in its own section', 'c=IN IP4 239.1.1.1/127'],
    ['a group written as IPv6', 'c=IN IP6 ::ffff:e000:1'],
    ['an address in octal', 'c=IN IP4 0177.0.0.1'],
    // FreeSWITCH sends phones no RTCP, wherever they want it.
    ...(isBesideFreeSwitch ? [] : rtcpElsewhere),
  ])('%s is refused as bad-sdp', async (_what, line) => {
    expectRefused(await call((own) => `${own}${line}\r\n`));
  });

  it.skipIf(isBesideFreeSwitch).each(['127.0.0.1', '127.9.8.7'])(
    'the port of another call at %s, of a gateway that is bound to no address, is refused as bad-sdp',
    async (address) => {
      const other = await call(undefined, { to: open });
      const dialog = new AnsweredCall(other.sip, other.answer);
      dialog.send('ACK', 1);
      const port = portOf(other.answer.text);
      const own = (text: string) =>
        text.replaceAll('127.0.0.1', address).replace(/m=audio \d+/, `m=audio ${String(port)}`);
      expectRefused(await call(own, { to: open }));
      dialog.send('BYE', 2);
      expect((await other.sip.finalTo(2, 'BYE')).status).toBe(200);
    },
  );
});
