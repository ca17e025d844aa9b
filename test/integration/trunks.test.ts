/** Calls over trunks: whose they are, what they may do, what they may cost. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { callOverWebSocket } from '../support/call-over-web-socket.js';
import { audioOffer, RawSip, type InviteOptions, type RawMessage } from '../support/raw-sip.js';
import { RestClient } from '../support/rest-client.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Trunk {
  readonly id: string;
}
interface Recorded {
  readonly trunkId: string | null;
  readonly refusal: { readonly code: string } | null;
  readonly caller: { readonly number: string | null } | null;
}

/** Addresses of the loopback network: of the account's trunk, of a trunk of two accounts, of a stranger. */
const carrier = '127.0.1.2';
const shared = '127.0.2.2';
const stranger = '127.0.3.2';
const number = '+14155550100';
const otherNumber = '+14155550200';

let gateway: TestGateway;
let other: RestClient;
let trunk: Trunk;
let sessionId: string;
const open: RawSip[] = [];

beforeAll(async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'landbridge-test-'));
  await writeFile(
    join(dataDirectory, 'landbridge.yaml'),
    'accounts:\n  - { account: other, username: other, password: other, callerPrivacy: full }\n',
  );
  const environment = {
    ...{ LANDBRIDGE_CALLER_PRIVACY: 'full', LANDBRIDGE_TRUNKS_MIN_IPV4_PREFIX: '16' },
    ...{ LANDBRIDGE_TRUNKS_MAX_UNCONFIRMED_CALLS: '4' },
    ...{ LANDBRIDGE_SIP_STRANGER_ANSWERS_PER_SECOND: '5', LANDBRIDGE_SIP_BAN_AFTER_REFUSALS: '20' },
  };
  gateway = await TestGateway.start({ dataDirectory, environment });
  other = new RestClient(gateway.origin, 'other', 'other', 'other');
  trunk = await newTrunk(gateway.rest, { name: 'carrier', inbound: { networks: ['127.0.1.0/24'] } });
  sessionId = await gateway.rest.createSession();
  await newNumber(gateway.rest, number);
});

afterEach(async () => {
  for (const sip of open.splice(0)) sip.close();
  await gateway.idle();
});

afterAll(() => gateway.stop());

const newTrunk = (rest: RestClient, fields: object) => rest.done<Trunk>('POST', '/trunks', fields);
const newNumber = (rest: RestClient, called: string) =>
  rest.done('POST', '/numbers', { number: called, route: { kind: 'new-session' } });

async function recordsOf(rest: RestClient, callId: string): Promise<readonly Recorded[]> {
  const page = await rest.done<{ records: Recorded[] }>(
    'GET',
    `/records?callId=${encodeURIComponent(callId)}`,
  );
  return page.records;
}

/** The call and its final response. */
async function call(source: string, options: InviteOptions = {}) {
  const sip = await RawSip.open(gateway.sipPort, source);
  open.push(sip);
  sip.send(sip.invite({ body: audioOffer(sip.port), uri: `sip:${number}@gw`, ...options }));
  const answer = await sip.final('INVITE');
  return { sip, answer, status: answer.status, callId: sip.callId };
}

const reasonOf = (answer: RawMessage) => /text="([^"]*)"/.exec(answer.header('Reason') ?? '')?.[1];

async function hangUp({ sip, answer }: { sip: RawSip; answer: RawMessage }): Promise<void> {
  const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
  sip.send(sip.request('ACK', { toTag, branch: `z9hG4bKack${sip.callId}` }));
  sip.send(sip.request('BYE', { cseq: 2, toTag, branch: `z9hG4bKbye${sip.callId}` }));
  await sip.final('BYE');
}

describe('A call from a trunk’s network', () => {
  it('reaches the account’s numbers, and leg, facts and record say by which trunk it came', async () => {
    const events = await gateway.follow();
    const made = await call(carrier, { headers: ['P-Asserted-Identity: <sip:+4930123@carrier>'] });
    expect(made.status).toBe(200);
    expect(await gateway.rest.legs()).toMatchObject([{ callId: made.callId, trunkId: trunk.id }]);
    await hangUp(made);
    for (const type of ['call.arrived', 'call.ended'] as const) {
      await waitFor(`${type} is told`, () => events.ofType(type).length === 1);
      expect(events.ofType(type)[0]?.data).toMatchObject({
        trunkId: trunk.id,
        caller: { number: '+4930123' },
      });
    }
    expect(await recordsOf(gateway.rest, made.callId)).toMatchObject([{ trunkId: trunk.id, refusal: null }]);
    const { records } = await gateway.rest.done<{ records: unknown[] }>(
      'GET',
      `/records?trunkId=${trunk.id}`,
    );
    expect(records.length).toBeGreaterThan(0);
    await events.close();
  });

  it('with a token is the token’s, and the trunk’s', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    const made = await call(carrier, {
      uri: 'sip:join@gw',
      headers: [`User-to-User: ${token};encoding=jwt`],
    });
    expect(made.status).toBe(200);
    expect(await gateway.rest.legs()).toMatchObject([{ sessionId, trunkId: trunk.id }]);
    await hangUp(made);
  });

  it('finds the number where the carrier writes it', async () => {
    const uri = 'sip:pilot@gw';
    const named = await call(carrier, { uri, headers: [`P-Called-Party-ID: <tel:${number}>`] });
    expect(named.status).toBe(200);
    await hangUp(named);
    const sip = await RawSip.open(gateway.sipPort, carrier);
    open.push(sip);
    const invite = sip.invite({ uri, body: audioOffer(sip.port) });
    sip.send(invite.replace('To: <sip:join@', `To: <sip:${number}@`));
    const answer = await sip.final('INVITE');
    expect(answer.status).toBe(200);
    await hangUp({ sip, answer });
  });

  it('to a number that is not the account’s is refused with 404, and the record says by which trunk', async () => {
    const { status, answer, callId } = await call(carrier, { uri: 'sip:+14155559999@gw' });
    expect([status, reasonOf(answer)]).toEqual([404, 'unknown-number']);
    expect(await recordsOf(gateway.rest, callId)).toMatchObject([
      { trunkId: trunk.id, refusal: { code: 'unknown-number' } },
    ]);
  });

  it('that is wrong in its form is recorded with its trunk’s account or nobody’s, and refused as ever', async () => {
    const { status } = await call(carrier, { headers: ['Require: unheard-of'] });
    expect(status).toBe(420);
  });
});

describe('A call from elsewhere', () => {
  it('to the same number is refused as before: it is no trunk’s', async () => {
    const { status, answer, callId } = await call(stranger);
    expect([status, reasonOf(answer)]).toEqual([403, 'token-missing']);
    expect(await recordsOf(gateway.rest, callId)).toMatchObject([{ trunkId: null }]);
  });

  it('is let in by its token', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    const made = await call(stranger, { headers: [`User-to-User: ${token};encoding=jwt`] });
    expect(made.status).toBe(200);
    expect(await gateway.rest.legs()).toMatchObject([{ trunkId: null }]);
    await hangUp(made);
  });
});

describe('Trunks of two accounts with one network', () => {
  it('each get the calls to their account’s numbers, and with their account’s tokens', async () => {
    const ours = await newTrunk(gateway.rest, { inbound: { networks: ['127.0.2.0/24'] } });
    // Narrower, but that takes nothing from others.
    const theirs = await newTrunk(other, { inbound: { networks: ['127.0.2.2'] } });
    await newNumber(other, otherNumber);
    for (const [rest, id, called] of [
      [gateway.rest, ours.id, number],
      [other, theirs.id, otherNumber],
    ] as const) {
      const made = await call(shared, { uri: `sip:${called}@gw` });
      expect(made.status).toBe(200);
      expect(await rest.legs()).toMatchObject([{ trunkId: id }]);
      await hangUp(made);
      const { token } = await rest.newcomer(await rest.createSession());
      const shown = await call(shared, { uri: 'sip:x@gw', headers: [`User-to-User: ${token};encoding=jwt`] });
      expect(await rest.legs()).toMatchObject([{ trunkId: id }]);
      await hangUp(shown);
    }
    const lost = await call(shared, { uri: 'sip:+14155559999@gw' });
    expect(lost.status).toBe(404);
    for (const rest of [gateway.rest, other]) expect(await recordsOf(rest, lost.callId)).toEqual([]);
  });
});

it('A trunk’s calls over UDP that are not acknowledged have a limit of their own', async () => {
  const calls = [];
  for (let at = 0; at < 4; at += 1) calls.push(await call(carrier));
  expect(calls.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const beyond = await call(carrier);
  expect([beyond.status, reasonOf(beyond.answer)]).toEqual([503, 'trunk-limit']);
  for (const one of calls) await hangUp(one);
  const next = await call(carrier);
  expect(next.status).toBe(200);
  await hangUp(next);
});

describe('A trunk’s rules', () => {
  const source = '127.0.4.2';
  async function limited<T>(fields: object, work: (id: string) => Promise<T>): Promise<T> {
    const { id } = await newTrunk(gateway.rest, { inbound: { networks: [source] }, ...fields });
    try {
      return await work(id);
    } finally {
      await gateway.idle();
      await gateway.rest.done('DELETE', `/trunks/${id}`);
    }
  }

  it('limit its calls at once with 503 and Retry-After, nobody else’s', () =>
    limited({ maxConcurrentCalls: 1 }, async () => {
      const first = await call(source);
      expect(first.status).toBe(200);
      const second = await call(source);
      expect([second.status, reasonOf(second.answer)]).toEqual([503, 'trunk-limit']);
      expect(Number(second.answer.header('Retry-After'))).toBeGreaterThan(0);
      const elsewhere = await call(carrier);
      expect(elsewhere.status).toBe(200);
      await hangUp(elsewhere);
      await hangUp(first);
      await gateway.idle();
      const third = await call(source);
      expect(third.status).toBe(200);
      await hangUp(third);
    }));

  it('limit how fast its calls come', () =>
    limited({ maxCallsPerSecond: 1 }, async () => {
      const calls = await Promise.all(Array.from({ length: 4 }, () => call(source)));
      const good = calls.filter(({ status }) => status === 200);
      expect(good.length).toBeGreaterThanOrEqual(1);
      for (const one of good) await hangUp(one);
      const refused = calls.filter(({ status }) => status !== 200);
      expect(refused.length).toBeGreaterThanOrEqual(1);
      expect(new Set(refused.map(({ answer }) => reasonOf(answer)))).toEqual(new Set(['trunk-limit']));
    }));

  it('let in whom its lists name', () =>
    limited({ allowedCallers: ['+4930*'], allowedCalled: ['+1415*'] }, async (id) => {
      const from = (identity: string) => ({ headers: [`P-Asserted-Identity: <sip:${identity}@carrier>`] });
      const good = await call(source, from('+4930123'));
      expect(good.status).toBe(200);
      await hangUp(good);
      const bad = await call(source, from('+4989123'));
      expect([bad.status, reasonOf(bad.answer)]).toEqual([403, 'caller-not-allowed']);
      expect(await recordsOf(gateway.rest, bad.callId)).toMatchObject([
        { trunkId: id, refusal: { code: 'caller-not-allowed' }, caller: { number: '+4989123' } },
      ]);
      const { token } = await gateway.rest.newcomer(sessionId);
      const elsewhere = await call(source, {
        uri: 'sip:+4930999@gw',
        headers: [...from('+4930123').headers, `User-to-User: ${token};encoding=jwt`],
      });
      expect([elsewhere.status, reasonOf(elsewhere.answer)]).toEqual([403, 'called-not-allowed']);
    }));

  it('say whether anything but From is believed of who calls', () =>
    limited({ inbound: { networks: [source], callerIdentity: 'from' } }, async () => {
      const made = await call(source, { headers: ['P-Asserted-Identity: <sip:+4930123@carrier>'] });
      expect(await recordsOf(gateway.rest, made.callId)).toMatchObject([{ caller: null }]);
      await hangUp(made);
    }));

  it('hold for the next call once they are changed, and not at all while it is off', () =>
    limited({}, async (id) => {
      const inbound = { networks: [source] };
      await gateway.rest.done('PUT', `/trunks/${id}`, { inbound, numbers: ['+1 415 555 0900'] });
      expect((await call(source)).status).toBe(404);
      await gateway.rest.done('PUT', `/trunks/${id}`, { inbound, enabled: false });
      expect((await call(source)).status).toBe(403);
      await gateway.rest.done('PUT', `/trunks/${id}`, { inbound });
      const made = await call(source);
      expect(made.status).toBe(200);
      await hangUp(made);
    }));
});

it.skipIf(isBesideDrachtio)(
  'A trunk that is refused again and again is answered each time; a stranger is not',
  async () => {
    const flood = 60;
    let bursts = 0;
    const burst = (sip: RawSip) => {
      bursts += 1;
      for (let at = 0; at < flood; at += 1) {
        const own = `${bursts}-${at}`;
        const invite = sip.invite({ uri: 'sip:nobody@gw', headers: ['User-to-User: a.b.c;encoding=jwt'] });
        sip.send(
          invite.replaceAll(sip.callId, `${sip.callId}-${own}`).replace(sip.branch, `${sip.branch}${own}`),
        );
      }
    };
    const opened = async (source: string) => {
      const sip = await RawSip.open(gateway.sipPort, source);
      open.push(sip);
      return sip;
    };
    const withheld = async () => (await gateway.metrics()).get('landbridge_sip_answers_withheld_total') ?? 0;
    const before = await withheld();
    const trusted = await opened(carrier);
    burst(trusted);
    await waitFor(
      'all are answered',
      () =>
        new Set(
          trusted.received.filter(({ status }) => status === 403).map(({ header }) => header('Call-ID')),
        ).size === flood,
    );
    expect(await withheld()).toBe(before);
    // Somebody who never had a call. On a machine that is slow enough one burst may be answered in its time.
    const unknown = await opened('127.0.3.9');
    await waitFor('answers are withheld', async () => {
      burst(unknown);
      return (await withheld()) > before;
    });
  },
);

describe('REST', () => {
  it('answers what a trunk is, page by page, and nothing of other accounts', async () => {
    const wanted = {
      ...{
        name: 'whole',
        enabled: false,
        numbers: ['+1 415 555 0900'],
        allowedCallers: ['+49*', 'anonymous'],
      },
      ...{ allowedCalled: ['110'], maxConcurrentCalls: 5, maxCallsPerSecond: 2 },
      inbound: {
        networks: ['127.0.9.0/24', '2001:db8::/40'],
        calledNumber: ['to'],
        callerIdentity: ['from'],
      },
    };
    const made = await newTrunk(other, wanted);
    expect(made).toMatchObject({ ...wanted, numbers: ['+14155550900'] });
    expect(await other.done('GET', `/trunks/${made.id}`)).toEqual(made);
    const second = await newTrunk(other, {});
    expect(second).toMatchObject({ enabled: true, numbers: null, maxConcurrentCalls: null });
    const page = await other.done<{ trunks: Trunk[]; next: string }>('GET', '/trunks?limit=1');
    expect(page.trunks).toEqual([second]);
    const rest = await other.done<{ trunks: Trunk[] }>('GET', `/trunks?limit=1&after=${page.next}`);
    expect(rest.trunks).toEqual([made]);
    expect((await gateway.rest.request('GET', `/trunks/${made.id}`)).status).toBe(404);
    await other.done('DELETE', `/trunks/${made.id}`);
    expect((await other.request('GET', `/trunks/${made.id}`)).status).toBe(404);
    await other.done('DELETE', `/trunks/${second.id}`);
  });

  it.each<[what: string, fields: object, message: RegExp]>([
    ['an unknown field', { outwards: {} }, /outwards: is not known here/],
    ['what is no network', { inbound: { networks: ['gw.example'] } }, /gw.example is no address/],
    ['a network that is too wide', { inbound: { networks: ['127.0.0.0/15'] } }, /too wide.*\/16/],
    ['what is no number', { numbers: ['hello'] }, /hello is no phone number/],
    ['what is no pattern', { allowedCallers: ['+49*1'] }, /is no pattern/],
    ['no calls at all', { maxConcurrentCalls: 0 }, /maxConcurrentCalls/],
  ])('refuses %s with 400', async (_what, fields, message) => {
    const answer = await gateway.rest.request('POST', '/trunks', fields);
    expect(answer.status).toBe(400);
    expect((answer.body as { error: string }).error).toMatch(message);
  });

  it('makes one trunk for an idempotency key', async () => {
    const post = async (fields: object) => {
      const response = await fetch(`${gateway.rest.base}/trunks`, {
        method: 'POST',
        headers: { ...gateway.rest.headers, 'content-type': 'application/json', 'idempotency-key': 'once' },
        body: JSON.stringify(fields),
      });
      return { status: response.status, body: (await response.json()) as Trunk };
    };
    const first = await post({ name: 'keyed' });
    const again = await post({ name: 'keyed' });
    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
    expect((await post({ name: 'another' })).status).toBe(409);
  });
});

describe('Where calls from no trunk are refused', () => {
  let closed: TestGateway;
  beforeAll(async () => {
    closed = await TestGateway.start({ environment: { LANDBRIDGE_SIP_CALLS_FROM_NO_TRUNK: 'refuse' } });
    await newTrunk(closed.rest, { inbound: { networks: [carrier] } });
  });
  afterAll(() => closed.stop());

  it('a good token alone lets no phone in, over a trunk it does, also after a restart', async () => {
    const attempt = async (source: string) => {
      const { token } = await closed.rest.newcomer(await closed.rest.createSession());
      const sip = await RawSip.open(closed.sipPort, source);
      open.push(sip);
      sip.send(sip.invite({ headers: [`User-to-User: ${token};encoding=jwt`], body: audioOffer(sip.port) }));
      const answer = await sip.final('INVITE');
      if (answer.status === 200) await hangUp({ sip, answer });
      return [answer.status, reasonOf(answer)];
    };
    expect(await attempt(stranger)).toEqual([403, 'no-trunk']);
    expect(await attempt(carrier)).toEqual([200, undefined]);
    await closed.stop({ keepData: true });
    closed = await closed.restart();
    expect(await attempt(stranger)).toEqual([403, 'no-trunk']);
    expect(await attempt(carrier)).toEqual([200, undefined]);
  });

  it('a browser is no phone, and comes in by its token', async () => {
    const { token } = await closed.rest.newcomer(await closed.rest.createSession());
    const fields = [`User-to-User: ${token};encoding=jwt`];
    expect(await callOverWebSocket(closed.httpPort, { user: 'join', fields })).toBe('SIP/2.0 200 OK');
  });

  it('the console’s test caller is no phone', async () => {
    const { token } = await closed.rest.newcomer(await closed.rest.createSession());
    const made = await closed.rest.request('POST', '/phone-calls', { token });
    expect(made.status).toBe(200);
    await waitFor('it is connected', async () =>
      (await closed.rest.legs()).some(({ state }) => state === 'established'),
    );
  });
});
