/** When a phone is told of as holding: by what was agreed on last, however that came about. */
import { describe, expect, it } from 'vitest';
import { mainConnection, type MediaPlane } from '../../src/domain/media-plane.js';
import { MediaOwner } from '../support/media-owner.js';

/** What the phone sends: an offer of its own, or the answer to one of ours. The first opens the leg. */
type Step = readonly ['offer' | 'answer', string];

const sdp = (media: readonly string[], address = '127.0.0.1'): string =>
  ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', ...media, ''].join('\r\n');
const audio = (direction: string): string[] => ['m=audio 9000 RTP/AVP 0', `a=${direction}`];
const described = (direction: string): string => sdp(audio(direction));
const nowhere = sdp(['m=audio 9000 RTP/AVP 0'], '0.0.0.0');
/** SRTP without a key, which nobody can take, before plain RTP. */
const two = (refused: string, used: string): string =>
  sdp(['m=audio 9002 RTP/SAVP 0', `a=${refused}`, ...audio(used)]);

const cases: readonly (readonly [title: string, steps: readonly Step[], holds: readonly boolean[]])[] = [
  ['a first offer that sends alone', [['offer', described('sendonly')]], [true]],
  [
    'a first offer of nothing',
    [
      ['offer', described('inactive')],
      ['offer', described('sendrecv')],
    ],
    [true, false],
  ],
  ['a first offer from nowhere', [['offer', nowhere]], [true]],
  ['a first offer that only listens', [['offer', described('recvonly')]], []],
  [
    'a direction of the whole session',
    [['offer', sdp(audio('x')).replace('t=0 0', 't=0 0\r\na=sendonly')]],
    [true],
  ],
  [
    'the answer to our first offer',
    [
      ['answer', described('sendonly')],
      ['offer', described('sendrecv')],
    ],
    [true, false],
  ],
  ['the answer to our first offer, from nowhere', [['answer', nowhere]], [true]],
  [
    'answers to later offers of ours',
    [
      ['offer', described('sendrecv')],
      ['answer', described('inactive')],
      ['answer', described('sendrecv')],
    ],
    [true, false],
  ],
  [
    'an answer from nowhere to a later offer',
    [
      ['offer', described('sendrecv')],
      ['answer', nowhere],
    ],
    [true],
  ],
  ['the audio section that is used, not the first', [['offer', two('sendrecv', 'sendonly')]], [true]],
  ['no section that is refused', [['offer', two('sendonly', 'sendrecv')]], []],
  [
    'two sections, in later offers',
    [
      ['offer', two('sendrecv', 'sendrecv')],
      ['offer', two('sendrecv', 'inactive')],
      ['offer', two('inactive', 'sendrecv')],
    ],
    [true, false],
  ],
];

export function phoneHoldContract(plane: () => MediaPlane): void {
  describe('holds', () => {
    it.each(cases)('by %s', async (title, [first, ...steps], holds) => {
      const owner = new MediaOwner();
      const [kind, description] = first ?? ['offer', ''];
      const leg = await plane().openLeg({
        legId: title.replaceAll(' ', '-'),
        participantId: 'holder',
        sessionId: null,
        ...mainConnection('phone', kind === 'offer' ? description : null),
        mayPublish: ['AUDIO'],
        listener: owner,
      });
      const main = leg.connection('main');
      if (kind === 'answer') await main.accept(description);
      for (const [how, text] of steps) {
        if (how === 'offer') await main.answer(text);
        else {
          await main.offer();
          await main.accept(text);
        }
      }
      await owner.until((told) => told.holds.length >= holds.length);
      // What is told of a leg is told in order: nothing of holds can follow this.
      await leg.setMayPublish([]);
      await owner.until(({ streams }) => streams.length === 0);
      expect(owner.holds).toEqual(holds);
      await leg.close();
    });
  });
}
