/**
 * What goes wrong on the way of a call, through the whole gateway with its media, by each way that phones have; and that nothing is
 * left of it: no leg, no dialog, no RTP port, and in the end no transaction and no connection.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SipResponse } from '../../src/sip-server/index.js';
import { TestAuthority } from '../support/certificates.js';
import type { EventFollower } from '../support/events.js';
import { isBesideDrachtio, isBesideFreeSwitch } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { waitFor } from '../support/wait-for.js';
import { inDialog, TcpPeer, UdpPeer, type RawPeer } from './sip-server/raw-peer.js';

const ways = ['udp', 'tcp', 'tls'] as const;
/** 64 · T1, after which nobody waits for an ACK, or for a copy of a request. */
const giveUpMs = 32_000;

let authority: TestAuthority;
let gateway: TestGateway;
let events: EventFollower;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  authority = await TestAuthority.open();
  const pair = await authority.write('main', await authority.issue({ names: ['127.0.0.1'] }));
  gateway = await TestGateway.start({
    environment: {
      ...{ LANDBRIDGE_TLS_CERT: pair.cert, LANDBRIDGE_TLS_KEY: pair.key, LANDBRIDGE_TLS_HTTP: 'false' },
      LANDBRIDGE_RTP_PORT_REST_SECONDS: '1',
    },
  });
  events = await gateway.follow();
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await gateway.idle(giveUpMs + 20_000);
  await waitFor('no dialog is left', async () => (await figure('dialogs')) === 0);
  if (!isBesideFreeSwitch)
    await waitFor('no port is left', () => gateway.openRtpPorts().length === 0, { timeoutMs: 20_000 });
});

afterAll(async () => {
  await events.close();
  const isOver = async () => (await figure('transactions')) + (await figure('connections')) === 0;
  await waitFor('nothing is left', isOver, { timeoutMs: giveUpMs + 20_000, everyMs: 500 });
  await gateway.stop();
  await authority.remove();
}, giveUpMs + 60_000);

const figure = async (name: string): Promise<number> =>
  (await gateway.metrics()).get(`landbridge_sip_${name}`) ?? NaN;

describe.skipIf(isBesideDrachtio).each(ways)('over %s', (way) => {
  let peer: RawPeer;
  let phone: TestPhone;

  async function peerOf(): Promise<RawPeer> {
    if (way === 'udp') return UdpPeer.open(gateway.sipPort);
    if (way === 'tcp') return TcpPeer.open(gateway.sipPort);
    return TcpPeer.openTls(gateway.sipTlsPort, authority.certPem);
  }

  /** Fields of an INVITE of a participant, and who that is. */
  async function newcomer(more: Record<string, string> = {}) {
    peer = await peerOf();
    phone = await TestPhone.open();
    open.push(peer, phone);
    const { id, token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    return { id, fields: { 'User-to-User': `${token};encoding=jwt`, ...more } };
  }

  const target = 'sip:join@gateway.example';

  const isTold = (type: 'call.established' | 'call.ended', id: string) =>
    events.wait(type, ({ participantId }) => participantId === id);

  /** A call that is answered and acknowledged. */
  async function standing(body?: string, more: Record<string, string> = {}) {
    const { id, fields } = await newcomer(more);
    peer.send('INVITE', target, fields, body ?? phone.sdp());
    const ok = await peer.response(200, 'INVITE');
    inDialog(peer, 'ACK', ok, 1);
    await isTold('call.established', id);
    return { id, ok };
  }

  async function hangUp(ok: SipResponse, cseq: number, id: string): Promise<void> {
    inDialog(peer, 'BYE', ok, cseq);
    await peer.response(200, 'BYE');
    const ended = await isTold('call.ended', id);
    expect(ended.data).toMatchObject({ outcome: { endedBy: 'participant', reason: 'hangup' } });
  }

  it('an answer that is lost once comes again, the same', async () => {
    const { id, fields } = await newcomer();
    peer.send('INVITE', target, fields, phone.sdp());
    const lost = await peer.response(200);
    const ok = await peer.responseAgain(200);
    expect(ok.headers.get('To')).toBe(lost.headers.get('To'));
    inDialog(peer, 'ACK', ok, 1);
    await isTold('call.established', id);
    await hangUp(ok, 2, id);
  });

  it.runIf(way === 'udp')(
    'an answer that is never acknowledged ends the call with BYE, and its participant never joins',
    { timeout: 90_000 },
    async () => {
      const { id, fields } = await newcomer();
      peer.send('INVITE', target, fields, phone.sdp());
      const ok = await peer.response(200);
      // It is its silence in SIP that counts.
      phone.talk(portOf(ok.body.toString()), 440);
      const bye = await peer.request('BYE', giveUpMs + 20_000);
      peer.reply(bye, 200);
      const ended = await isTold('call.ended', id);
      expect(ended.data).toMatchObject({
        wasEstablished: false,
        outcome: { endedBy: 'gateway', reason: 'no-ack' },
      });
      expect(
        peer.received.filter((one) => one.kind === 'response' && one.status === 200).length,
      ).toBeGreaterThan(5);
    },
  );

  it('a CANCEL right behind its INVITE is answered, and ends it where it came in time', async () => {
    const { fields: shown } = await newcomer();
    const fields = {
      ...shown,
      Via: peer.via,
      From: '<sip:a@b>;tag=1',
      'Call-ID': `cancelled over ${way}`.replaceAll(' ', '-'),
    };
    peer.send('INVITE', target, fields, phone.sdp());
    peer.send('CANCEL', target, { ...fields, CSeq: '1 CANCEL', Contact: undefined });
    await peer.response(200, 'CANCEL');
    const final = await peer.next(
      (message): message is SipResponse =>
        message.kind === 'response' && message.status >= 200 && message.headers.get('CSeq') === '1 INVITE',
    );
    expect([200, 487]).toContain(final.status);
    if (final.status === 487) inDialog(peer, 'ACK', final, 1, { Via: fields.Via });
    else {
      inDialog(peer, 'ACK', final, 1);
      inDialog(peer, 'BYE', final, 2);
      await peer.response(200, 'BYE');
    }
  });

  it('a CANCEL behind the answer changes nothing', async () => {
    const { id, fields: shown } = await newcomer();
    const fields = { ...shown, Via: peer.via, From: '<sip:a@b>;tag=1', 'Call-ID': `late-over-${way}` };
    peer.send('INVITE', target, fields, phone.sdp());
    const ok = await peer.response(200, 'INVITE');
    peer.send('CANCEL', target, { ...fields, CSeq: '1 CANCEL', Contact: undefined });
    await peer.response(200, 'CANCEL');
    inDialog(peer, 'ACK', ok, 1);
    await isTold('call.established', id);
    await hangUp(ok, 2, id);
  });

  it('a re-INVITE over another is told to wait, and the first is answered', async () => {
    const { id, ok } = await standing();
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, phone.sdp());
    inDialog(peer, 'INVITE', ok, 3, { Contact: peer.contact }, phone.sdp());
    const refused = await peer.response(500, 'INVITE');
    expect(refused.headers.get('CSeq')).toBe('3 INVITE');
    expect(Number(refused.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
    inDialog(peer, 'ACK', refused, 3, { Via: refused.headers.get('Via') });
    expect((await peer.response(200, 'INVITE')).headers.get('CSeq')).toBe('2 INVITE');
    inDialog(peer, 'ACK', ok, 2);
    await hangUp(ok, 4, id);
  });

  it('a BYE right behind a re-INVITE ends both', async () => {
    const { id, ok } = await standing();
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, phone.sdp());
    await hangUp(ok, 3, id);
    const isFinal = (message: { kind: string; status?: number }) =>
      message.kind === 'response' && [200, 487].includes(message.status ?? 0);
    await waitFor('the re-INVITE has an answer', () =>
      peer.received.some((one) => isFinal(one) && one.headers.get('CSeq') === '2 INVITE'),
    );
  });

  it('an INVITE without an offer gets one, and answers it in the ACK', async () => {
    const { id, fields } = await newcomer();
    peer.send('INVITE', target, fields);
    const ok = await peer.response(200);
    expect(ok.body.toString()).toContain('m=audio');
    inDialog(peer, 'ACK', ok, 1, {}, phone.sdp());
    await isTold('call.established', id);
    await hangUp(ok, 2, id);
  });

  it('a description of 30 kB is answered', async () => {
    const { fields } = await newcomer();
    const filler = 'a=x-filler:0123456789012345678901234567890123456789\r\n';
    const body = `${phone.sdp()}${filler.repeat(570)}`;
    expect(body.length).toBeGreaterThan(30_000);
    peer.send('INVITE', target, fields, body);
    const ok = await peer.response(200);
    expect(ok.body.toString()).toContain('m=audio');
    inDialog(peer, 'ACK', ok, 1);
    inDialog(peer, 'BYE', ok, 2);
    await peer.response(200, 'BYE');
  });

  it('a name in other scripts comes back to the byte', async () => {
    const name = 'Jürgen 日本 🎙';
    const { id, ok } = await standing(undefined, { From: `"${name}" <sip:a@b>;tag=1` });
    expect(ok.headers.get('From')).toBe(`"${name}" <sip:a@b>;tag=1`);
    await hangUp(ok, 2, id);
  });
});
