import { describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import { createMediaPlane } from '../../src/media/worker-media-plane.js';
import { RecordingMediaPlane } from '../support/recording-media-plane.js';
import { MediaOwner } from '../support/media-owner.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { mediaPlaneContract } from './media-plane-contract.js';
import { mainConnection } from '../../src/domain/media-plane.js';

const rtpPorts = await takeRtpPorts(200);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const workerPlane = (): ReturnType<typeof createMediaPlane> =>
  createMediaPlane({
    workers: 1,
    rtpPorts,
    bindAddress: '127.0.0.1',
    logger: silent,
    clock: systemClock,
    workerEntry: inject('workerEntry'),
  });

const phoneSdp = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 9000 RTP/AVP 0',
  '',
].join('\r\n');

mediaPlaneContract('recording', () =>
  Promise.resolve({
    plane: new RecordingMediaPlane(),
    phoneOffer: 'a phone',
    phoneOfferWithKeys: 'a phone with keys',
    answerTo: () => 'an answer',
  }),
);
mediaPlaneContract('worker processes', async () => ({
  plane: await workerPlane(),
  phoneOffer: phoneSdp,
  phoneOfferWithKeys: `${phoneSdp.replace('RTP/AVP 0', 'RTP/AVP 0 96')}a=rtpmap:96 telephone-event/8000\r\n`,
  answerTo: () => phoneSdp,
}));

describe('the refusals of a media plane with worker processes', () => {
  it.each([
    ['bad-sdp', 'what is no session description', 'hello'],
    ['no-common-codec', 'audio in no codec of ours', phoneSdp.replace('RTP/AVP 0', 'RTP/AVP 18')],
    [
      'no-common-codec',
      'no audio at all',
      phoneSdp.replace('m=audio', 'm=video').replace('RTP/AVP 0', 'RTP/AVP 31'),
    ],
  ])('are %s for %s, and no leg remains', async (code, _, offer) => {
    const plane = await workerPlane();
    try {
      const request = {
        legId: 'l',
        participantId: 'p',
        sessionId: null,
        ...mainConnection('phone', offer),
        mayPublish: ['AUDIO'] as const,
      };
      const refused = plane.openLeg({ ...request, listener: new MediaOwner() });
      await expect(refused).rejects.toMatchObject({ name: 'MediaRefusal', code });
      expect(plane.statistics().legs).toBe(0);
    } finally {
      await plane.close();
    }
  });
});
