/** The flows of RFC 3665 that go through registrars and proxies which ask for credentials, by each way that a phone comes to us. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../src/digest/challenge.js';
import { answerChallenge } from '../../../src/digest/credentials.js';
import type { SipRequest, SipResponse } from '../../../src/sip-server/index.js';
import { TestAuthority } from '../../support/certificates.js';
import type { RawPeer } from '../sip-server/raw-peer.js';
import { ways } from './conformance-stage.js';
import { password, ProxyStage } from './proxy-stage.js';

const [atlanta, biloxi] = ['atlanta.example.com', 'biloxi.example.com'];
const offer =
  'v=0\r\no=a 1 1 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n';
const answer = offer.replace('49172', '3456');

/** One dialog of a phone: each of its requests as RFC 3665 has it. */
class Line {
  readonly peer: RawPeer;
  readonly #from: string;
  readonly #to: string;
  readonly #callId = randomUUID();
  readonly #vias = new Map<string, string>();
  /** By realm: what answers the challenge, for each request anew. */
  readonly #answers = new Map<string, (method: string, uri: string) => [string, string]>();

  constructor(peer: RawPeer, from: string, to: string) {
    this.peer = peer;
    this.#from = `<sip:${from}>;tag=9fxced76sl`;
    this.#to = `<sip:${to}>`;
  }

  send(
    method: string,
    uri: string,
    cseq: number,
    fields: Record<string, string | undefined> = {},
    body = '',
  ): void {
    const shown = [...this.#answers.values()].map((answers) => answers(method, uri));
    const via = this.#vias.get(`${method} ${String(cseq)}`) ?? this.peer.via;
    this.#vias.set(`${method} ${String(cseq)}`, via);
    const joined: Record<string, string> = {};
    for (const [name, value] of shown)
      joined[name] = joined[name] === undefined ? value : `${joined[name]}\r\n${name}: ${value}`;
    const own = { From: this.#from, To: this.#to, 'Call-ID': this.#callId, Via: via };
    this.peer.send(method, uri, { ...own, CSeq: `${String(cseq)} ${method}`, ...joined, ...fields }, body);
  }

  /** The refusal is acknowledged hop by hop, and the next request shows what it asks for. */
  challenged(response: SipResponse, uri: string, cseq: number): void {
    const [field, credentials] =
      response.status === 401
        ? (['WWW-Authenticate', 'Authorization'] as const)
        : (['Proxy-Authenticate', 'Proxy-Authorization'] as const);
    const [challenge] = parseChallenges(response.headers.get(field) ?? '');
    if (challenge === undefined) throw new Error('it asks for nothing');
    const user = /sip:([^@]+)@/.exec(this.#from)?.[1] ?? '';
    let count = 0;
    this.#answers.set(challenge.realm, (method, target) => {
      const asked = { method, uri: target, body: new Uint8Array() };
      return [
        credentials,
        answerChallenge(challenge, { username: user, password }, asked, { count: ++count }),
      ];
    });
    if (response.headers.get('CSeq')?.endsWith('INVITE') === true)
      this.acknowledgeRefusal(response, uri, cseq);
  }

  acknowledgeRefusal(response: SipResponse, uri: string, cseq: number): void {
    const Via = this.#vias.get(`INVITE ${String(cseq)}`);
    this.peer.send('ACK', uri, {
      ...{ Via, From: this.#from, To: response.headers.get('To'), 'Call-ID': this.#callId },
      ...{ CSeq: `${String(cseq)} ACK`, Contact: undefined },
    });
  }

  cancel(uri: string, cseq: number): void {
    const Via = this.#vias.get(`INVITE ${String(cseq)}`);
    this.send('CANCEL', uri, cseq, { Via, Contact: undefined });
  }

  /** What follows in the call: to the Contact of who answered, by the proxies that stay in it. */
  within(method: string, ok: SipResponse, cseq: number, body = ''): void {
    const contact = /<([^>]+)>/.exec(ok.headers.get('Contact') ?? '')?.[1] ?? '';
    const routes = ok.headers.all('Record-Route').join(', ').split(', ').reverse().join(', ');
    this.send(method, contact, cseq, { To: ok.headers.get('To'), Route: routes }, body);
  }
}

describe.each(ways)('over %s', (way) => {
  let authority: TestAuthority;
  let bobs: ProxyStage;
  let asking: ProxyStage;
  let others: ProxyStage[] = [];
  beforeAll(async () => {
    authority = await TestAuthority.open();
    bobs = await ProxyStage.open({ realm: biloxi, authority, isAsking: true });
    asking = await ProxyStage.open({
      ...{ realm: atlanta, authority, isAsking: true },
      routes: (user) => [bobs.uri(user, way === 'udp' ? 'udp' : 'tcp')],
    });
  });
  afterEach(async () => {
    for (const other of others) await other.settle();
    for (const other of others) await other.close();
    others = [];
    await asking.settle();
    await bobs.settle();
  });
  afterAll(async () => {
    await asking.close();
    await bobs.close();
    await authority.remove();
  });

  async function also(
    options: Omit<Parameters<typeof ProxyStage.open>[0], 'authority'>,
  ): Promise<ProxyStage> {
    const other = await ProxyStage.open({ authority, ...options });
    others.push(other);
    return other;
  }

  /** Bob’s phone, which is registered: two REGISTERs, as in §2.1. */
  async function bob(at: ProxyStage, by: (typeof ways)[number]): Promise<RawPeer> {
    const line = new Line(await at.peer(by), `bob@${biloxi}`, `bob@${biloxi}`);
    const uri = `sip:${biloxi}`;
    line.send('REGISTER', uri, 1, { Expires: '3600' });
    line.challenged(await line.peer.response(401), uri, 1);
    line.send('REGISTER', uri, 2, { Expires: '3600' });
    await line.peer.response(200, 'REGISTER');
    return line.peer;
  }

  const alice = async (at: ProxyStage): Promise<Line> =>
    new Line(await at.peer(way), `alice@${atlanta}`, `bob@${biloxi}`);
  const uri = `sip:bob@${biloxi}`;

  /** Bob rings and answers; the caller acknowledges, and either of them hangs up. */
  async function talk(
    caller: Line,
    callee: RawPeer,
    invited: SipRequest,
    { cseq, byCallee = false }: { readonly cseq: number; readonly byCallee?: boolean },
  ): Promise<void> {
    callee.reply(invited, 180);
    await caller.peer.response(180);
    callee.reply(invited, 200, {}, answer);
    const ok = await caller.peer.response(200, 'INVITE');
    expect(ok.body.toString()).toBe(answer);
    caller.within('ACK', ok, cseq);
    await callee.request('ACK');
    if (byCallee) {
      const contact = /<([^>]+)>/.exec(invited.headers.get('Contact') ?? '')?.[1] ?? '';
      callee.send('BYE', contact, {
        ...{ From: ok.headers.get('To'), To: ok.headers.get('From'), 'Call-ID': ok.headers.get('Call-ID') },
        Route: invited.headers.all('Record-Route').join(', '),
        CSeq: '1 BYE',
      });
      caller.peer.reply(await caller.peer.request('BYE'), 200);
      await callee.response(200, 'BYE');
      return;
    }
    caller.within('BYE', ok, cseq + 1);
    callee.reply(await callee.request('BYE'), 200);
    await caller.peer.response(200, 'BYE');
  }

  it('a phone registers with its password, lists what is registered, moves, and leaves (§2.1–2.4)', async () => {
    const line = new Line(await asking.peer(way), `bob@${atlanta}`, `bob@${atlanta}`);
    const [registrar, { peer }] = [`sip:${atlanta}`, line];
    line.send('REGISTER', registrar, 1);
    line.challenged(await peer.response(401), registrar, 1);
    line.send('REGISTER', registrar, 2);
    expect((await peer.response(200)).headers.get('Contact')).toContain('expires=3600');
    line.send('REGISTER', registrar, 3, { Contact: '<sip:bob@127.0.0.2>' });
    expect((await peer.response(200)).headers.get('Contact')).toContain('sip:bob@127.0.0.2');
    line.send('REGISTER', registrar, 4, { Contact: undefined });
    expect((await peer.response(200)).headers.get('Contact')?.split(',').length).toBe(2);
    line.send('REGISTER', registrar, 5, { Contact: '*', Expires: '0' });
    expect((await peer.response(200)).headers.get('Contact')).toBeUndefined();
  });

  it('a phone with a wrong password is asked again, and again (§2.5)', async () => {
    const line = new Line(await asking.peer(way), `mallory@${atlanta}`, `bob@${atlanta}`);
    const registrar = `sip:${atlanta}`;
    for (const cseq of [1, 2]) {
      line.send('REGISTER', registrar, cseq);
      line.challenged(await line.peer.response(401), registrar, cseq);
    }
  });

  it('a call passes two proxies that each ask for a password, and both stay in it (§3.2, §3.3)', async () => {
    const callee = await bob(bobs, 'udp');
    const caller = await alice(asking);
    caller.send('INVITE', uri, 1, {}, offer);
    const first = await caller.peer.response(407);
    expect(first.headers.get('Proxy-Authenticate')).toContain(`realm="${atlanta}"`);
    caller.challenged(first, uri, 1);
    caller.send('INVITE', uri, 2, {}, offer);
    const second = await caller.peer.response(407);
    expect(second.headers.get('Proxy-Authenticate')).toContain(`realm="${biloxi}"`);
    caller.challenged(second, uri, 2);
    caller.send('INVITE', uri, 3, {}, offer);
    const invited = await callee.request('INVITE');
    expect(invited.headers.all('Via').length).toBe(3);
    expect(invited.headers.all('Record-Route').join().split(',').length).toBeGreaterThanOrEqual(2);
    await talk(caller, callee, invited, { cseq: 3 });
  });

  it.each(ways)('a phone that has registered over %s is called, and hangs up (§3.2)', async (by) => {
    const last = await also({ realm: biloxi });
    const callee = await bob(last, by);
    const first = await also({ realm: atlanta, routes: (user) => [last.uri(user, 'tcp')] });
    const caller = await alice(first);
    caller.send('INVITE', uri, 1, {}, offer);
    await talk(caller, callee, await callee.request('INVITE'), { cseq: 1, byCallee: true });
  });

  it('a call whose first proxy is gone takes the second (§3.4)', async () => {
    const gone = await ProxyStage.open({ realm: 'gone.example.com', authority });
    const place = gone.uri('bob', 'udp');
    await gone.close();
    const last = await also({ realm: biloxi });
    const callee = await bob(last, 'udp');
    const first = await also({ realm: atlanta, routes: (user) => [place, last.uri(user, 'tcp')] });
    const caller = await alice(first);
    caller.send('INVITE', uri, 1, {}, offer);
    await talk(caller, callee, await callee.request('INVITE'), { cseq: 1 });
  });

  it('a call is redirected, and its description comes with the ACK (§3.6)', async () => {
    const last = await also({ realm: biloxi });
    const callee = await bob(last, 'udp');
    const redirecting = await also({
      ...{ realm: 'ss3.example.com', redirects: true },
      routes: (user) => [last.uri(user, 'udp')],
    });
    const asked = await alice(redirecting);
    asked.send('INVITE', uri, 1);
    const moved = await asked.peer.response(302);
    asked.acknowledgeRefusal(moved, uri, 1);
    const target = /<([^>]+)>/.exec(moved.headers.get('Contact') ?? '')?.[1] ?? '';
    const caller = await alice(last);
    caller.send('INVITE', target, 2);
    const invited = await callee.request('INVITE');
    expect(invited.body.length).toBe(0);
    callee.reply(invited, 200, {}, offer);
    const ok = await caller.peer.response(200, 'INVITE');
    caller.within('ACK', ok, 2, answer);
    expect((await callee.request('ACK')).body.toString()).toBe(answer);
    caller.within('BYE', ok, 3);
    callee.reply(await callee.request('BYE'), 200);
    await caller.peer.response(200, 'BYE');
  });

  it('a call is given up that rings at nobody’s (§3.8)', async () => {
    const last = await also({ realm: biloxi });
    const callee = await bob(last, 'udp');
    const caller = await alice(last);
    caller.send('INVITE', uri, 1, {}, offer);
    const invited = await callee.request('INVITE');
    callee.reply(invited, 180);
    await caller.peer.response(180);
    caller.cancel(uri, 1);
    await caller.peer.response(200, 'CANCEL');
    callee.reply(await callee.request('CANCEL'), 200);
    callee.reply(invited, 487);
    await callee.request('ACK');
    caller.acknowledgeRefusal(await caller.peer.response(487), uri, 1);
  });

  it.each([
    [486, '§3.9'],
    [480, '§3.11'],
  ])('a call that is refused with %i is refused through the proxy (%s)', async (status, _section) => {
    const last = await also({ realm: biloxi });
    const callee = await bob(last, 'udp');
    const caller = await alice(last);
    caller.send('INVITE', uri, 1, {}, offer);
    callee.reply(await callee.request('INVITE'), status);
    await callee.request('ACK');
    caller.acknowledgeRefusal(await caller.peer.response(status), uri, 1);
  });

  it('a phone that is registered and does not answer is asked again and again, and the caller told 408 (§3.10)', async () => {
    const last = await also({ realm: biloxi });
    const callee = await bob(last, 'udp');
    const caller = await alice(last);
    caller.send('INVITE', uri, 1, {}, offer);
    await callee.request('INVITE');
    await callee.request('INVITE');
    caller.acknowledgeRefusal(await caller.peer.response(408, 'INVITE'), uri, 1);
  });
});
