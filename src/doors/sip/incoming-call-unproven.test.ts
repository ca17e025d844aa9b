/** Calls that nothing but the address speaks for, from which they came over UDP: anybody may have written it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Request, settle, SipCallStage, offer } from '../../../test/support/sip-call-stage.js';
import { DigestServer } from '../../digest/digest-server.js';
import { Nonces } from '../../digest/nonces.js';
import type { Credential } from '../../domain/participants/token.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import type { TrunkPass } from '../../domain/trunks/trunk-calls.js';
import { UnconfirmedCalls } from '../../domain/trunks/unconfirmed-calls.js';
import type { IncomingCallSettings } from './incoming-call.js';
import { ownServer } from './server-traits.js';

let stage: SipCallStage;
let unconfirmed: UnconfirmedCalls;
let released: number;
beforeEach(async () => {
  stage = await SipCallStage.open();
  unconfirmed = new UnconfirmedCalls(1);
  released = 0;
});
afterEach(async () => {
  await stage.domain.legs.endAll({ endedBy: 'gateway', reason: 'connection-lost' });
});

const trunk: Trunk = {
  ...{ id: 't', accountId: 'acme', name: null, isEnabled: true, numbers: null, key: null, fingerprint: '' },
  ...{ allowedCallers: null, allowedCalled: null, maxConcurrentCalls: null, maxCallsPerSecond: null },
  ...{ createdAt: 0, outbound: null, media: { codecs: null, dtmf: 'auto', srtp: null } },
  inbound: {
    ...{
      networks: ['192.0.2.0/24'],
      certificateNames: [],
      digest: null,
      calledNumber: ['request-uri'],
      callerIdentity: ['from'],
      stir: 'off',
      verifiedBy: 'gateway',
      headers: [],
    },
  },
};

/** The trunk lets every call in, and so does the number. */
function settings(pass: Partial<TrunkPass> | null, credential: Credential): Partial<IncomingCallSettings> {
  const whole: TrunkPass | null =
    pass === null
      ? null
      : {
          trunk,
          dialled: '+1555',
          credential: null,
          isProven: false,
          release: () => void (released += 1),
          ...pass,
        };
  return {
    unconfirmed,
    dialIn: () => Promise.resolve({ credential, attendant: null }),
    trunks: {
      enter: () => Promise.resolve(whole),
      digest: new DigestServer('test', new Nonces({ now: () => 0, lifetimeMs: 1, maxAnswered: 1 })),
      hashesOf: () => [],
      refuseOthers: false,
    },
  };
}

/** A call up to its 200. */
async function called(
  pass: Partial<TrunkPass> | null,
  protocol = 'udp',
  headers: Record<string, string> = {},
) {
  const created = await stage.newCaller();
  const credential: Credential = { kind: 'jwt', value: created.token };
  const call = stage.newCall(headers, offer, ownServer, settings(pass, credential));
  call.request.uri = 'sip:+1555@gateway.example';
  Object.assign(call.request, { protocol });
  void call.call.run();
  await settle();
  await call.confirm();
  const acknowledge = async () => {
    call.dialog.emit('ack', new Request('ACK'));
    await settle();
  };
  return { ...call, status: call.response.sent[0]?.status, created, acknowledge };
}

describe('A call over UDP that its network alone lets in', () => {
  it.each([
    ['by its trunk', {}, 'trunk t'],
    ['by its number', null, 'number 1555'],
  ])('%s is sent no media before its ACK', async (_how, pass, origin) => {
    const call = await called(pass);
    const media = stage.domain.mediaOf(call.created);
    expect(media.request.sendsOnceConfirmed).toBe(true);
    expect(media.log).not.toContain('confirm');
    expect(unconfirmed.callsOf(origin)).toBe(1);
    await call.acknowledge();
    expect(media.log.filter((line) => line === 'confirm')).toHaveLength(1);
    expect(unconfirmed.callsOf(origin)).toBe(0);
  });

  it.each([
    ['trunk', {}],
    ['number', null],
  ])('is refused where its %s has as many as it may that are not acknowledged', async (_of, pass) => {
    const first = await called(pass);
    expect(first.status).toBe(200);
    const second = await called(pass);
    expect([second.status, second.refusals]).toEqual([503, ['trunk-limit']]);
    expect(released).toBe(pass === null ? 0 : 1);
    await first.acknowledge();
    expect((await called(pass)).status).toBe(200);
  });

  it('makes room when it ends without an ACK', async () => {
    const first = await called({});
    first.dialog.emit('destroy', new Request('BYE'));
    await settle();
    expect((await called({})).status).toBe(200);
  });
});

it.each([
  ['over a connection', {}, 'tcp'],
  ['with a credential or password', { isProven: true }, 'udp'],
])('A call %s is sent media at once, and is not limited so', async (_how, pass, protocol) => {
  for (let at = 0; at < 3; at += 1) {
    const { status, created } = await called(pass, protocol);
    expect(status).toBe(200);
    expect(stage.domain.mediaOf(created).request.sendsOnceConfirmed).toBe(false);
  }
});
