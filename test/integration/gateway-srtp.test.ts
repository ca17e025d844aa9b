/** Calls of our own phone with SRTP, as a whole gateway takes or refuses them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { srtpSuiteOf } from '../../src/media/worker/srtp/srtp-suite.js';
import { callGateway } from '../support/gateway-phone.js';
import { TestGateway } from '../support/start-gateway.js';

interface Recorded {
  readonly callId: string;
  readonly media: { readonly encryption?: string; readonly packetsNotGenuine?: number } | null;
  readonly outcome: { readonly reason: string; readonly sipStatus?: number } | null;
}

let gateway: TestGateway;

const records = async (): Promise<readonly Recorded[]> =>
  (await gateway.rest.done<{ readonly records: readonly Recorded[] }>('GET', '/records')).records;

async function invite(): Promise<string> {
  const participant = await gateway.rest.createParticipant();
  return participant.token;
}

describe.each(['allow', 'require', 'off'] as const)('a gateway with rtp.srtp: %s', (policy) => {
  beforeAll(async () => {
    gateway = await TestGateway.start({ environment: { LANDBRIDGE_RTP_SRTP: policy } });
  });
  afterEach(async () => gateway.idle());
  afterAll(async () => gateway.stop());

  it('takes calls as it says', async () => {
    const refused = { status: 488 };
    const plain = callGateway(gateway, await invite());
    if (policy === 'require') await expect(plain).rejects.toMatchObject({ end: refused });
    else {
      const call = await plain;
      expect((await call.answered).srtp).toBeNull();
      await call.close();
    }
    const encrypted = callGateway(gateway, await invite(), { srtp: 'named' });
    if (policy === 'off') await expect(encrypted).rejects.toMatchObject({ end: refused });
    else {
      const call = await encrypted;
      expect((await call.answered).srtp).toBe('AES_CM_128_HMAC_SHA1_80');
      await call.close();
    }
    const beside = await callGateway(gateway, await invite(), { srtp: 'beside' });
    expect((await beside.answered).srtp === null).toBe(policy === 'off');
    await beside.close();
  });

  if (policy !== 'allow') return;

  it('lets a phone with SRTP and one without hear each other, through hold, and says so in its record', async () => {
    const session = await gateway.rest.createSession();
    const join = async (): Promise<string> => {
      return (await gateway.rest.newcomer(session)).token;
    };
    const suite = srtpSuiteOf('AEAD_AES_256_GCM')!;
    const a = await callGateway(gateway, await join(), { toneHz: 440, srtp: 'named', srtpSuites: [suite] });
    const b = await callGateway(gateway, await join(), { toneHz: 1000 });
    await expect.poll(() => a.heard.hears(1000, 200) && b.heard.hears(440, 200)).toBe(true);
    await a.hold();
    await expect.poll(() => b.heard.hears(440, 200)).toBe(false);
    await a.resume();
    await expect.poll(() => a.heard.hears(1000, 200) && b.heard.hears(440, 200)).toBe(true);
    expect(a.statistics.packetsNotGenuine).toBe(0);
    await Promise.all([a.close(), b.close()]);
    await gateway.idle();
    const media = new Map((await records()).map((record) => [record.callId, record.media]));
    expect(media.get(a.callId)).toMatchObject({ encryption: 'sdes', packetsNotGenuine: 0 });
    expect(media.get(b.callId)).toMatchObject({ encryption: 'none' });
  });
});
