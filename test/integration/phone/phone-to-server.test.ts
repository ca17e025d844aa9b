import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { newSrf } from '../../../src/doors/sip/srf.js';
import type { Srf, SrfDialog, SrfRequest, SrfResponse } from '../../../src/doors/sip/srf.js';
import { placeCall } from '../../../src/softphone/phone-call.js';
import type { CallProgress, PhoneCall } from '../../../src/softphone/phone-call.js';
import { PhoneMedia } from '../../../src/softphone/phone-media.js';
import { formatAnswer, readAudio } from '../../../src/softphone/sdp.js';
import { createSipServer } from '../../../src/sip-server/index.js';
import type { SipServer } from '../../../src/sip-server/index.js';
import { eventually } from '../../support/media-owner.js';

const host = '127.0.0.1';
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** The embedded SIP server with a real drachtio-srf application behind it. */
async function serve(): Promise<{ server: SipServer; srf: Srf }> {
  const secret = 'only for this test';
  const listen = { host: host, port: 0 };
  const server = await createSipServer({ udp: listen, tcp: listen, admin: { ...listen, secret } });
  cleanUp.push(() => server.close());
  const srf = newSrf();
  cleanUp.push(() => srf.disconnect());
  const connected = once(srf, 'connect');
  srf.connect({ host: host, port: server.adminAddress.port, secret });
  await connected;
  return { server, srf };
}

function uriOf(server: SipServer, protocol: 'udp' | 'tcp'): string {
  return protocol === 'udp'
    ? `sip:room@${host}:${server.udpAddress?.port}`
    : `sip:room@${host}:${server.tcpAddress?.port};transport=tcp`;
}

async function phone(
  server: SipServer,
  protocol: 'udp' | 'tcp',
  onProgress?: (progress: CallProgress) => void,
): Promise<PhoneCall> {
  const call = await placeCall({
    uri: uriOf(server, protocol),
    source: { kind: 'tone', frequencyHz: 440 },
    lingerMs: 500,
    ...(onProgress && { onProgress }),
  });
  cleanUp.push(() => call.close());
  return call;
}

/** An application that answers every call with a tone of 1,000 Hz, and follows holds. */
function answerCalls(srf: Srf): { dialogs: SrfDialog[]; medias: PhoneMedia[] } {
  const dialogs: SrfDialog[] = [];
  const medias: PhoneMedia[] = [];
  let version = 0;
  const answer = (media: PhoneMedia, offer: string): string => {
    const audio = readAudio(offer, ['PCMU', 'PCMA']);
    if (!audio) throw new Error('no audio in the offer');
    media.agree(audio);
    const { localAddress: address, localPort: port } = media;
    const direction = audio.remoteReceives ? (audio.remoteSends ? 'sendrecv' : 'sendonly') : 'recvonly';
    version += 1;
    return formatAnswer(
      { address, port, sessionId: '1', version, codecs: ['PCMU'], direction },
      offer,
      audio,
    );
  };
  const take = async (request: SrfRequest, response: SrfResponse): Promise<void> => {
    const media = await PhoneMedia.open({ address: host, source: { kind: 'tone', frequencyHz: 1_000 } });
    cleanUp.push(() => media.close());
    medias.push(media);
    const localSdp = answer(media, request.body ?? '');
    srf.createUAS(request, response, { localSdp, headers: {} }, (_error, dialog) => {
      if (dialog === undefined) return;
      dialogs.push(dialog);
      dialog.on('modify', (again: SrfRequest, reply: SrfResponse) => {
        reply.send(200, { body: answer(media, again.body ?? '') });
      });
    });
  };
  srf.invite((request, response) => void take(request, response));
  return { dialogs, medias };
}

it.each(['udp', 'tcp'] as const)(
  'a call over %s is answered, heard, held, resumed and hung up',
  async (protocol) => {
    const { server, srf } = await serve();
    const { dialogs, medias } = answerCalls(srf);
    const call = await phone(server, protocol);
    expect((await call.answered).codec).toBe('PCMU');
    await eventually(() => call.heard.hears(1_000, 200) && medias[0]?.heard.hears(440, 200) === true);
    await call.hold();
    await eventually(() => medias[0]?.heard.levelDbfs(100) === -Infinity);
    await call.resume();
    await eventually(() => medias[0]?.heard.hears(440, 100) === true);
    const destroyed = once(dialogs[0]!, 'destroy');
    expect(await call.hangUp()).toEqual({ by: 'local', why: 'hang-up' });
    await destroyed;
    expect(server.stats()).toMatchObject({ dialogs: 0 });
  },
);

it.each(['udp', 'tcp'] as const)('the application hangs up a call over %s and says why', async (protocol) => {
  const { server, srf } = await serve();
  const { dialogs } = answerCalls(srf);
  const call = await phone(server, protocol);
  await call.answered;
  await eventually(() => dialogs.length === 1);
  await dialogs[0]!.destroy({ headers: { Reason: 'SIP;cause=200;text="no-session"' } });
  expect(await call.ended).toEqual({
    by: 'remote',
    why: 'hang-up',
    reason: { protocol: 'SIP', cause: 200, text: 'no-session' },
  });
});

it('a refusal arrives with its reason', async () => {
  const { server, srf } = await serve();
  srf.invite((_request, response) =>
    response.send(486, { headers: { Reason: 'SIP;cause=486;text="session-full"' } }),
  );
  const call = await phone(server, 'udp');
  expect(await call.ended).toMatchObject({
    status: 486,
    reasonPhrase: 'Busy Here',
    reason: { text: 'session-full' },
  });
});

it('a call that rings is cancelled', async () => {
  const { server, srf } = await serve();
  const told: CallProgress[] = [];
  let cancelled = false;
  srf.invite((request, response) => {
    request.on('cancel', () => (cancelled = true));
    response.send(180);
  });
  const call = await phone(server, 'udp', (progress) => told.push(progress));
  await eventually(() => told.some((progress) => progress.kind === 'provisional' && progress.status === 180));
  expect(await call.hangUp()).toMatchObject({ by: 'local', why: 'cancelled', status: 487 });
  await eventually(() => cancelled);
});
