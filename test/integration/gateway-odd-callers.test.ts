/** Numbers, callers and descriptions that carriers, PBXs and browsers write in rare ways, through the whole gateway. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, type RawData } from 'ws';
import { audioLines, section, text as browserText } from '../support/browser-descriptions.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import { AnsweredCall } from './drachtio-door.js';

const number = '+14158675309';
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start();
  await gateway.rest.done('POST', '/numbers', {
    ...{ number, allowFrom: ['127.0.0.1'], route: { kind: 'new-session' } },
  });
});
afterAll(() => gateway.stop());

/** A call that is answered, told of, and ended: what the REST API shows of its leg. */
async function legOf(headers: readonly string[], uri = 'sip:join@gateway.example') {
  const sip = await RawSip.open(gateway.sipPort);
  sip.send(sip.invite({ uri, headers, body: audioOffer(sip.port) }));
  const answer = await sip.final('INVITE');
  expect(answer.status).toBe(200);
  const call = new AnsweredCall(sip, answer);
  call.send('ACK', 1);
  const [leg] = await gateway.rest.legs();
  call.send('OPTIONS', 2);
  const options = await sip.finalTo(2, 'OPTIONS');
  call.send('BYE', 3);
  expect((await sip.finalTo(3, 'BYE')).status).toBe(200);
  await gateway.idle();
  sip.close();
  return { leg: leg as unknown as { caller: { number: string | null } | null }, options };
}

describe('A number of ours is called', () => {
  it.each([
    'sip:+1415/867-5309@gateway.example',
    'sip:+1%C2%A0415%E2%80%91867%E2%80%915309@gateway.example',
    'sip:+14158675309%23@gateway.example',
    'sip:4158675309;phone-context=%2B1;cpc=ordinary@gateway.example',
  ])('as %s', async (uri) => {
    await legOf([], uri);
  });

  it('whatever somebody else’s User-to-User looks like', async () => {
    await legOf(['User-to-User: ORDER1234567;encoding=ascii'], `sip:${number}@gateway.example`);
  });
});

describe('Who calls', () => {
  const asserted = 'P-Asserted-Identity: "Ann" <sip:+15551230142@carrier.example>';
  const remote = (parameters: string) => `Remote-Party-ID: "Ann" <sip:+15551230142@h>;${parameters}`;
  type Case = [shown: string | null, what: string, headers: readonly string[]];
  const quoted: Case = [null, 'quoted Privacy', [asserted, 'Privacy: "id"']];
  it.each<Case>([
    ['+********142', 'an asserted identity without blanks', ['P-Asserted-Identity: Ann<sip:+15551230142@h>']],
    // A drachtio-server’s parser refuses it.
    ...(isBesideDrachtio ? [] : [quoted]),
    [null, 'Privacy in the word of Remote-Party-ID', [asserted, 'Privacy: full']],
    [null, 'a quoted parameter before privacy', [remote('screen="x;privacy=off";privacy=full')]],
  ])('is shown as %s with %s', async (shown, _what, headers) => {
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const { leg, options } = await legOf([...headers, `User-to-User: ${token};encoding=jwt`]);
    expect(leg.caller?.number ?? null).toBe(shown);
    // RFC 3261 §11.2; a drachtio-server has a list of its own.
    if (!isBesideDrachtio) expect(options.header('Allow')).toContain('INFO');
    expect(options.header('Accept')).toContain('application/sdp');
  });
});

it.each(['TCP/DTLS/RTP/SAVPF', 'TCP/TLS/RTP/SAVP', 'RTP/AVPF', 'RTP/AVP', 'UDP/TLS/RTP/SAVP'])(
  'A browser that calls its audio %s is answered as a browser, in its own words',
  async (protocol) => {
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const socket = new WebSocket(`ws://127.0.0.1:${String(gateway.httpPort)}/sip`, 'sip');
    const received: string[] = [];
    socket.on('message', (data: RawData) => received.push((data as Buffer).toString('utf8')));
    await once(socket, 'open');
    const lines = audioLines.map((line) => line.replace('UDP/TLS/RTP/SAVPF', protocol));
    const body = browserText(section(lines, '0', 'sendrecv')).replace(
      'sha-256 11:22',
      `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
    );
    const invite = [
      'INVITE sip:join@gateway.example SIP/2.0',
      `Via: SIP/2.0/WS browser.invalid;branch=z9hG4bK${randomUUID()};rport`,
      ...['Max-Forwards: 70', 'From: <sip:b@browser.invalid>;tag=1', 'To: <sip:join@gateway.example>'],
      ...[`Call-ID: ${randomUUID()}`, 'CSeq: 1 INVITE', 'Contact: <sip:b@browser.invalid;transport=ws>'],
      ...[`User-to-User: ${token};encoding=jwt`, 'Content-Type: application/sdp'],
      ...[`Content-Length: ${String(Buffer.byteLength(body))}`, '', body],
    ];
    socket.send(invite.join('\r\n'));
    const final = () => received.find((text) => /^SIP\/2\.0 [2-6]/.test(text));
    await waitFor('an answer', () => final() !== undefined);
    socket.terminate();
    expect(final()).toMatch(/^SIP\/2\.0 200 /);
    expect(final()).toMatch(new RegExp(`^m=audio [1-9]\\d* ${protocol} `, 'm'));
    expect(final()).toContain('a=fingerprint:sha-256 ');
    await gateway.idle();
    // A browser that is gone is no fault of ours.
    expect(gateway.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  },
);
