/** Calls that show a trunk's name and password (RFC 3261 §22, RFC 8760). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseChallenges } from '../../src/digest/challenge.js';
import { answerChallenge } from '../../src/digest/credentials.js';
import { audioOffer, RawSip, type RawMessage } from '../support/raw-sip.js';
import { TestGateway } from '../support/start-gateway.js';

interface Trunk {
  readonly id: string;
}

const number = '+14155550100';
const pbx = { username: 'pbx', password: 'a long password' };
const gateway = { current: null as TestGateway | null };
const open: RawSip[] = [];
let trunk: Trunk;

function running(): TestGateway {
  if (gateway.current === null) throw new Error('no gateway');
  return gateway.current;
}

beforeAll(async () => {
  gateway.current = await TestGateway.start();
  trunk = await running().rest.done<Trunk>('POST', '/trunks', { name: 'pbx', inbound: { digest: pbx } });
  await running().rest.done('POST', '/numbers', { number, route: { kind: 'new-session' } });
});
afterEach(async () => {
  for (const sip of open.splice(0)) sip.close();
  await running().idle();
});
afterAll(() => gateway.current?.stop());

/** The values of a field that may come several times. */
const valuesOf = (message: RawMessage, name: string) =>
  message.text
    .split('\r\n')
    .flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
const reasonOf = (answer: RawMessage) => /text="([^"]*)"/.exec(answer.header('Reason') ?? '')?.[1];

class Caller {
  #cseq = 0;
  private constructor(
    readonly sip: RawSip,
    readonly uri: string,
  ) {}

  static async open(source = '127.0.5.2', uri = `sip:${number}@gw`): Promise<Caller> {
    const sip = await RawSip.open(running().sipPort, source);
    open.push(sip);
    return new Caller(sip, uri);
  }

  async invite(headers: readonly string[] = []): Promise<RawMessage> {
    const { sip, uri } = this;
    const cseq = (this.#cseq += 1);
    const invite = sip.invite({ uri, cseq, headers, body: audioOffer(sip.port) });
    sip.send(invite.replace(sip.branch, `${sip.branch}-${cseq}`));
    return sip.finalTo(cseq, 'INVITE');
  }

  /** The header line that answers the challenge of that hash. */
  answer(challenged: RawMessage, { hash = 'SHA-256', count = 1, secret = pbx } = {}): string {
    const challenges = valuesOf(challenged, 'WWW-Authenticate').flatMap((value) => parseChallenges(value));
    const challenge = challenges.find((one) => one.hash === hash);
    if (challenge === undefined) throw new Error(`no challenge with ${hash}`);
    const request = { method: 'INVITE', uri: this.uri, body: new Uint8Array() };
    return `Authorization: ${answerChallenge(challenge, secret, request, { count })}`;
  }

  async hangUp(answer: RawMessage): Promise<void> {
    const { sip } = this;
    const cseq = this.#cseq;
    const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
    sip.send(sip.request('ACK', { cseq, toTag, branch: `z9hG4bKack${sip.callId}` }));
    sip.send(sip.request('BYE', { cseq: cseq + 1, toTag, branch: `z9hG4bKbye${sip.callId}` }));
    await sip.final('BYE');
  }
}

describe('A call from anywhere to a number, where a trunk is known by its password alone', () => {
  it('is challenged with SHA-256 and MD5, one field each, and let in by the right answer to either', async () => {
    for (const hash of ['SHA-256', 'MD5']) {
      const caller = await Caller.open();
      const challenged = await caller.invite();
      expect(challenged.status).toBe(401);
      const values = valuesOf(challenged, 'WWW-Authenticate');
      expect(values.map((value) => parseChallenges(value)[0]?.hash)).toEqual(['SHA-256', 'MD5']);
      const answered = await caller.invite([caller.answer(challenged, { hash })]);
      expect(answered.status).toBe(200);
      expect(await running().rest.legs()).toMatchObject([{ trunkId: trunk.id }]);
      await caller.hangUp(answered);
      await running().idle();
    }
  });

  it('is challenged where it calls no number at all, before anything is kept of it', async () => {
    const caller = await Caller.open('127.0.5.2', 'sip:someone@gw');
    const challenged = await caller.invite();
    expect(challenged.status).toBe(401);
    expect(valuesOf(challenged, 'WWW-Authenticate')).toHaveLength(2);
    // The right password opens the account's numbers, and no others.
    expect((await caller.invite([caller.answer(challenged)])).status).toBe(403);
  });

  it('cannot show the same answer twice: it is asked anew, with stale', async () => {
    const first = await Caller.open();
    const challenged = await first.invite();
    const shown = first.answer(challenged);
    const answered = await first.invite([shown]);
    expect(answered.status).toBe(200);
    const second = await Caller.open();
    const again = await second.invite([shown]);
    expect(again.status).toBe(401);
    expect(valuesOf(again, 'WWW-Authenticate')[0]).toContain('stale=true');
    const counted = await second.invite([second.answer(challenged, { count: 2 })]);
    expect(counted.status).toBe(200);
    await second.hangUp(counted);
    await first.hangUp(answered);
  });

  it('with a wrong password, or a name that nobody has, is refused alike with 403', async () => {
    for (const secret of [
      { ...pbx, password: 'another password' },
      { ...pbx, username: 'nobody' },
    ]) {
      const caller = await Caller.open();
      const challenged = await caller.invite();
      const refused = await caller.invite([caller.answer(challenged, { secret })]);
      expect([refused.status, reasonOf(refused)]).toEqual([403, 'authentication-failed']);
    }
  });

  it('needs no password with a token, whatever challenge it answers', async () => {
    const { rest } = running();
    const { token } = await rest.newcomer(await rest.createSession());
    const caller = await Caller.open();
    const answered = await caller.invite([`User-to-User: ${token};encoding=jwt`]);
    expect(answered.status).toBe(200);
    expect(await rest.legs()).toMatchObject([{ trunkId: null }]);
    await caller.hangUp(answered);
  });
});

describe('A trunk with a network and a password', () => {
  const source = '127.0.6.2';

  it('wants both, and MD5 alone where it says so', async () => {
    const secret = { username: 'sbc', password: 'yet another password' };
    const digest = { ...secret, algorithms: ['MD5'] };
    const { rest } = running();
    const made = await rest.done<Trunk>('POST', '/trunks', { inbound: { networks: [source], digest } });
    const caller = await Caller.open(source);
    const challenged = await caller.invite();
    expect(challenged.status).toBe(401);
    expect(valuesOf(challenged, 'WWW-Authenticate')).toEqual([expect.stringContaining('algorithm=MD5')]);
    const answered = await caller.invite([caller.answer(challenged, { hash: 'MD5', secret })]);
    expect(answered.status).toBe(200);
    expect(await rest.legs()).toMatchObject([{ trunkId: made.id }]);
    await caller.hangUp(answered);
    // From elsewhere the same password is nobody's.
    const elsewhere = await Caller.open('127.0.6.3');
    const asked = await elsewhere.invite();
    const refused = await elsewhere.invite([elsewhere.answer(asked, { hash: 'MD5', secret })]);
    expect([refused.status, reasonOf(refused)]).toEqual([403, 'authentication-failed']);
    await running().idle();
    await rest.done('DELETE', `/trunks/${made.id}`);
  });
});

describe('REST', () => {
  it('never shows a password, keeps it over a replacement, and wants it again for another hash', async () => {
    const { rest } = running();
    const digest = { username: 'kept', password: 'shown only once', algorithms: ['SHA-256'] };
    const made = await rest.request('POST', '/trunks', { inbound: { digest } });
    expect(made.body).toMatchObject({ inbound: { digest: { username: 'kept', algorithms: ['SHA-256'] } } });
    expect(JSON.stringify(made.body)).not.toMatch(/shown only once|[0-9a-f]{64}/);
    const path = `/trunks/${(made.body as Trunk).id}`;
    const put = (fields: object) =>
      rest.request('PUT', path, { inbound: { digest: { username: 'kept', ...fields } } });
    expect((await put({ algorithms: ['SHA-256'] })).status).toBe(200);
    expect((await put({ algorithms: ['MD5'] })).status).toBe(400);
    expect((await put({ username: 'renamed', algorithms: ['SHA-256'] })).status).toBe(400);
    const caller = await Caller.open();
    const shown = caller.answer(await caller.invite(), { secret: digest });
    const answered = await caller.invite([shown]);
    expect(answered.status).toBe(200);
    await caller.hangUp(answered);
    expect((await rest.request('POST', '/trunks', { inbound: { digest } })).status).toBe(409);
    await running().idle();
    await rest.done('DELETE', path);
  });
});
