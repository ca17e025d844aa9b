/** The flows of RFC 3665, as a phone sees them, by each way that SIP comes to us. Those through proxies are in rfc3665-proxies.test.ts. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { ConformanceStage, ways, type BytePeer, type Way } from './conformance-stage.js';

/** By the user that a request is for. */
const answers: Readonly<Record<string, readonly number[]>> = {
  bob: [180, 200],
  ringing: [180],
  busy: [486],
  away: [480],
  gone: [410],
};

/** Those that bear the tag of who answered. */
const inDialog: ReadonlySet<string> = new Set(['ACK', 'BYE']);
const description =
  'v=0\r\no=a 1 1 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n';

interface SendOptions {
  readonly fields?: readonly string[];
  /** It is about the response to that INVITE, hop by hop (RFC 3261 §17.1.1.3). */
  readonly isHop?: boolean;
  /** It belongs to the call, whatever its method. */
  readonly isInCall?: boolean;
  readonly contact?: string;
  readonly body?: string;
}

/** A phone: it writes each request of a call as RFC 3665 has it, and knows what came. */
class Phone {
  readonly #peer: BytePeer;
  readonly #way: Way;
  readonly #callId = randomUUID();
  readonly #branches = new Map<string, string>();
  #toTag = '';

  constructor(peer: BytePeer, way: Way) {
    this.#peer = peer;
    this.#way = way;
  }

  get text(): string {
    return this.#peer.text;
  }

  send(
    method: string,
    user: string,
    cseq: number,
    {
      fields = [],
      isHop = false,
      isInCall = inDialog.has(method),
      contact = 'client.atlanta.example.com',
      body = '',
    }: SendOptions = {},
  ): void {
    // ACK of a refusal and CANCEL have the branch of their INVITE.
    const key = method === 'CANCEL' || isHop ? `INVITE ${String(cseq)}` : `${method} ${String(cseq)}`;
    const branch = this.#branches.get(key) ?? `z9hG4bK${randomUUID()}`;
    this.#branches.set(key, branch);
    const lines = [
      `${method} sip:${user}@biloxi.example.com SIP/2.0`,
      `Via: SIP/2.0/${this.#way.toUpperCase()} 127.0.0.1:5060;branch=${branch};rport`,
      'Max-Forwards: 70',
      'From: "Alice" <sip:alice@atlanta.example.com>;tag=9fxced76sl',
      `To: <sip:${user}@biloxi.example.com>${!isInCall || this.#toTag === '' ? '' : `;tag=${this.#toTag}`}`,
      `Call-ID: ${this.#callId}`,
      `CSeq: ${String(cseq)} ${method}`,
      `Contact: <sip:alice@${contact}>`,
      ...fields,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${String(body.length)}`,
    ];
    this.#peer.send(Buffer.from([...lines, '', body].join('\r\n')));
  }

  /** Waits for that answer. */
  async hears(status: number, cseq: string): Promise<string> {
    const message = await waitFor(`${String(status)} to ${cseq}`, () =>
      this.text
        .split(/(?=^SIP\/2\.0 \d{3})/m)
        .find((one) => one.startsWith(`SIP/2.0 ${String(status)} `) && one.includes(`CSeq: ${cseq}\r\n`)),
    );
    this.#toTag = /^To:.*;tag=([^;\r]+)/m.exec(message)?.[1] ?? this.#toTag;
    return message;
  }
}

describe.each(ways)('over %s', (way) => {
  let stage: ConformanceStage;
  beforeAll(async () => {
    stage = await ConformanceStage.open({
      methods: ['invite', 'register', 'message'],
      answersTo: (method, uri) => {
        const user = /^sip:(\w+)@/.exec(uri)?.[1] ?? '';
        if (method === 'REGISTER') return [user === 'mallory' ? 401 : 200];
        return method === 'INVITE' ? (answers[user] ?? [404]) : [200];
      },
    });
  });
  afterEach(async () => {
    await stage.settle();
    expect(stage.errors).toEqual([]);
  });
  afterAll(() => stage.close());

  const open = async (): Promise<Phone> => new Phone(await stage.peer(way), way);

  it('a phone registers, asks for what is registered, and leaves (§2.1–2.4)', async () => {
    const phone = await open();
    phone.send('REGISTER', 'bob', 1);
    await phone.hears(200, '1 REGISTER');
    phone.send('REGISTER', 'bob', 2, { fields: ['Expires: 0'] });
    await phone.hears(200, '2 REGISTER');
  });

  it('a phone with a wrong password is refused each time (§2.5)', async () => {
    const phone = await open();
    phone.send('REGISTER', 'mallory', 1);
    await phone.hears(401, '1 REGISTER');
    const shown = 'Authorization: Digest username="mallory", realm="a", nonce="b", uri="sip:c", response="d"';
    phone.send('REGISTER', 'mallory', 2, { fields: [shown] });
    await phone.hears(401, '2 REGISTER');
  });

  it('a call whose description comes with the ACK alone is one (§3.6)', async () => {
    const phone = await open();
    phone.send('INVITE', 'bob', 1);
    await phone.hears(200, '1 INVITE');
    phone.send('ACK', 'bob', 1, { body: description });
    phone.send('BYE', 'bob', 2);
    await phone.hears(200, '2 BYE');
    expect(stage.application.methods.slice(-3)).toEqual(['INVITE', 'ACK', 'BYE']);
  });

  it('a call whose caller moves to another address goes on (§3.7)', async () => {
    const phone = await open();
    phone.send('INVITE', 'bob', 1, { body: description });
    const ok = await phone.hears(200, '1 INVITE');
    phone.send('ACK', 'bob', 1);
    const moved = { isInCall: true, contact: '192.0.2.103', body: description.replaceAll('101', '103') };
    phone.send('INVITE', 'bob', 2, moved);
    expect(tagOf(await phone.hears(200, '2 INVITE'))).toBe(tagOf(ok));
    phone.send('ACK', 'bob', 2);
    phone.send('BYE', 'bob', 3);
    await phone.hears(200, '3 BYE');
    expect(stage.application.methods.slice(-5)).toEqual(['INVITE', 'ACK', 'INVITE', 'ACK', 'BYE']);
  });

  it('a call rings, is answered, and ended by who called (§3.1)', async () => {
    const phone = await open();
    phone.send('INVITE', 'bob', 1);
    const ringing = await phone.hears(180, '1 INVITE');
    const ok = await phone.hears(200, '1 INVITE');
    expect(tagOf(ok)).toBe(tagOf(ringing));
    phone.send('ACK', 'bob', 1);
    phone.send('BYE', 'bob', 2);
    await phone.hears(200, '2 BYE');
    expect(stage.application.methods.slice(-3)).toEqual(['INVITE', 'ACK', 'BYE']);
  });

  it('a call that nobody answers is given up (§3.8)', async () => {
    const phone = await open();
    phone.send('INVITE', 'ringing', 1);
    await phone.hears(180, '1 INVITE');
    phone.send('CANCEL', 'ringing', 1);
    await phone.hears(200, '1 CANCEL');
    await phone.hears(487, '1 INVITE');
    phone.send('ACK', 'ringing', 1, { isHop: true });
    expect(stage.application.methods.slice(-2)).toEqual(['INVITE', 'CANCEL']);
  });

  it.each([
    ['busy', 486, '§3.9'],
    ['away', 480, '§3.11'],
    ['gone', 410, '§3.11'],
  ] as const)('a call to somebody who is %s is refused with %i (%s)', async (user, status, _section) => {
    const phone = await open();
    phone.send('INVITE', user, 1);
    await phone.hears(status, '1 INVITE');
    phone.send('ACK', user, 1, { isHop: true });
    // The dialog was never made.
    phone.send('BYE', user, 2);
    await phone.hears(481, '2 BYE');
    expect(phone.text.match(new RegExp(`^SIP/2.0 ${String(status)}`, 'gm'))?.length).toBe(1);
  });
});

function tagOf(message: string): string | undefined {
  return /^To:.*;tag=([^;\r]+)/m.exec(message)?.[1];
}
