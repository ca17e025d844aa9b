/** Every code of the refusal table (docs/reference/refusals.md), by SIPp: status, Reason, and that no port was opened. */
import { afterEach, beforeAll, afterAll, expect, it } from 'vitest';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import { placeCall, type PhoneCall } from '../../src/softphone/phone-call.js';
import { describeWithSipp, expectSipp } from '../support/sipp.js';
import { TestGateway, tokenSecret } from '../support/start-gateway.js';

const audio = 'v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0';

interface Attempt {
  readonly headers?: string;
  readonly uri?: string;
  readonly body?: string;
}

async function expectRefusal(
  gateway: TestGateway,
  status: number,
  reason: string,
  attempt: Attempt,
): Promise<string> {
  const counted = async () =>
    (await gateway.metrics()).get(`landbridge_legs_refused_total{door="sip",code="${reason}"}`) ?? 0;
  const before = await counted();
  const { messages } = await expectSipp('refused', {
    target: `127.0.0.1:${gateway.sipPort}`,
    timeoutSeconds: 8,
    values: {
      headers: 'X-None: 1',
      body: audio,
      status,
      reason: `SIP;cause=${status};text=&quot;${reason}&quot;`,
      ...attempt,
    },
  });
  expect(await counted()).toBe(before + 1);
  return messages;
}

const jwt = (token: string) => ({ headers: `User-to-User: ${token};encoding=jwt` });

describeWithSipp('a call that shows', () => {
  let gateway: TestGateway;
  let sessionId: string;
  beforeAll(async () => {
    gateway = await TestGateway.start({
      environment: { LANDBRIDGE_JOIN_CODES_MAX_FAILURES_PER_MINUTE: '3' },
    });
    sessionId = await gateway.rest.createSession();
  });
  afterAll(() => gateway.stop());
  afterEach(async () => {
    expect(await gateway.rest.legs()).toEqual([]);
    expect(gateway.openRtpPorts()).toEqual([]);
  });

  it('nothing is refused with 403 token-missing', () => expectRefusal(gateway, 403, 'token-missing', {}));

  it('something that is no token is refused with 403 token-invalid', async () => {
    await expectRefusal(gateway, 403, 'token-invalid', jwt('nonsense'));
    await expectRefusal(gateway, 403, 'token-invalid', { headers: 'X-Landbridge-Token: a.b.c' });
  });

  it('a token of another secret is refused with 403 token-invalid', async () => {
    const { id } = await gateway.rest.newcomer(sessionId);
    const codec = new JwtTokenCodec({ secret: 'another secret of thirty-two characters' });
    await expectRefusal(gateway, 403, 'token-invalid', jwt(codec.sign(id, Date.now() + 60_000)));
  });

  it('an unsigned token is refused with 403 token-invalid', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    const header = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    await expectRefusal(gateway, 403, 'token-invalid', jwt(`${header}.${token.split('.')[1] ?? ''}.`));
  });

  it('an expired token is refused with 403 token-expired', async () => {
    const { id } = await gateway.rest.newcomer(sessionId);
    const codec = new JwtTokenCodec({ secret: tokenSecret });
    await expectRefusal(gateway, 403, 'token-expired', jwt(codec.sign(id, Date.now() - 31_000)));
  });

  it('the token of a participant that was deleted is refused with 404 participant-gone', async () => {
    const { id, token } = await gateway.rest.newcomer(sessionId);
    await gateway.rest.done('DELETE', `/participants/${id}`);
    await expectRefusal(gateway, 404, 'participant-gone', jwt(token));
  });

  it('a used token that was for once is refused with 403 token-used', async () => {
    const { token } = await gateway.rest.newcomer(sessionId, { fields: { tokenUse: 'once' } });
    const target = `127.0.0.1:${gateway.sipPort}`;
    await expectSipp('call', { target, values: { ...jwt(token), talkMs: 20 } });
    await gateway.idle();
    await expectRefusal(gateway, 403, 'token-used', jwt(token));
  });

  it('no codec that we speak is refused with 488 no-common-codec', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    for (const body of [audio.replace('AVP 0', 'AVP 18'), audio.replace('m=audio', 'm=video')]) {
      await expectRefusal(gateway, 488, 'no-common-codec', { ...jwt(token), body });
    }
  });

  it('an SDP that cannot be read is refused with 400 bad-sdp', async () => {
    const { token } = await gateway.rest.newcomer(sessionId);
    for (const body of [
      'this is no SDP',
      audio.replace('m=audio 9', 'm=audio nine'),
      audio.replace('c=IN IP4 127.0.0.1\n', ''),
    ]) {
      await expectRefusal(gateway, 400, 'bad-sdp', { ...jwt(token), body });
    }
  });

  it('unknown join codes is refused with 403 token-invalid, and after some with 503 whatever it shows', async () => {
    const { joinCode } = await gateway.rest.newcomer(sessionId);
    for (const uri of ['sip:000000000001@gw', 'sip:000000000002@gw', 'sip:000000000003@gw']) {
      await expectRefusal(gateway, 403, 'token-invalid', { uri });
    }
    const uri = `sip:${joinCode}@gw`;
    const messages = await expectRefusal(gateway, 503, 'too-many-guesses', { uri });
    expect(messages).toMatch(/^Retry-After: \d+\r?$/m);
  });

  it('secrets leaves none of them in the log', async () => {
    const { token, joinCode } = await gateway.rest.newcomer(sessionId);
    await expectRefusal(gateway, 403, 'token-invalid', jwt(`${token}x`));
    await expectRefusal(gateway, 400, 'bad-sdp', { ...jwt(token), body: 'no SDP' });
    await expectRefusal(gateway, 400, 'bad-sdp', { headers: `X-PH-Token: ${token}`, body: 'no SDP' });
    const log = gateway.log.map((line) => JSON.stringify(line)).join('\n');
    expect(log).toContain('call refused');
    const [, , signature = ''] = token.split('.');
    for (const secret of [token, signature, joinCode]) expect(log).not.toContain(secret);
  });
});

describeWithSipp('a call while', () => {
  const opened: { gateway?: TestGateway; phone?: PhoneCall } = {};
  afterEach(async () => {
    await opened.phone?.close();
    await opened.gateway?.stop();
    delete opened.phone;
    delete opened.gateway;
  });

  async function start(environment: Record<string, string> = {}): Promise<TestGateway> {
    return (opened.gateway = await TestGateway.start({ environment }));
  }

  async function occupy(gateway: TestGateway, token: string): Promise<PhoneCall> {
    opened.phone = await placeCall({
      uri: `sip:join@127.0.0.1:${gateway.sipPort}`,
      token,
      source: { kind: 'silence' },
      lingerMs: 500,
    });
    await opened.phone.answered;
    return opened.phone;
  }

  it('the participant is connected is refused with 486 participant-occupied, which hurts nobody', async () => {
    const gateway = await start();
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    await occupy(gateway, token);
    const ports = gateway.openRtpPorts();
    expect(ports).toHaveLength(2);
    await expectRefusal(gateway, 486, 'participant-occupied', jwt(token));
    expect(gateway.openRtpPorts()).toEqual(ports);
    expect(await gateway.rest.legs()).toHaveLength(1);
  });

  it('as many legs are live as may be is refused with 503 overloaded', async () => {
    const gateway = await start({ LANDBRIDGE_SESSIONS_MAX_LEGS: '1' });
    const sessionId = await gateway.rest.createSession();
    const [one, two] = [await gateway.rest.newcomer(sessionId), await gateway.rest.newcomer(sessionId)];
    await occupy(gateway, one.token);
    const messages = await expectRefusal(gateway, 503, 'overloaded', jwt(two.token));
    expect(messages).toMatch(/^Retry-After: \d+\r?$/m);
    // A limit that is reached is nobody's fault.
    expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('the session has as many legs as may be is refused with 486 session-full', async () => {
    const before = await start();
    const sessionId = await before.rest.createSession();
    const [one, two] = [await before.rest.newcomer(sessionId), await before.rest.newcomer(sessionId)];
    await before.stop({ keepData: true });
    // Fewer may be in a session now than are in this one.
    const gateway = await before.restart({ LANDBRIDGE_SESSIONS_MAX_PARTICIPANTS_PER_SESSION: '1' });
    opened.gateway = gateway;
    await occupy(gateway, one.token);
    await expectRefusal(gateway, 486, 'session-full', jwt(two.token));
  });

  it('the gateway drains is refused with 503 draining; the call in progress ends by itself, then the gateway', async () => {
    const gateway = await start({ LANDBRIDGE_DRAIN_SECONDS: '60' });
    const sessionId = await gateway.rest.createSession();
    const [one, two] = [await gateway.rest.newcomer(sessionId), await gateway.rest.newcomer(sessionId)];
    const phone = await occupy(gateway, one.token);
    gateway.signal('SIGTERM');
    const messages = await expectRefusal(gateway, 503, 'draining', jwt(two.token));
    expect(messages).toMatch(/^Retry-After: \d+\r?$/m);
    await expectSipp('request', {
      target: `127.0.0.1:${gateway.sipPort}`,
      values: { method: 'OPTIONS', status: 503, header: 'Retry-After', match: '[0-9]', headers: 'X-None: 1' },
    });
    expect(await phone.hangUp()).toMatchObject({ by: 'local', why: 'hang-up' });
    expect(await gateway.exited).toBe(0);
  });
});
