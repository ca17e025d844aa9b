/** A leg of the domain by itself, over any media plane: for what its far end presses. */
import { systemClock } from '../../src/domain/clock.js';
import { LiveLeg } from '../../src/domain/legs/live-leg.js';
import type { MediaPlane } from '../../src/domain/media-plane.js';
import { newParticipant } from '../../src/domain/participants/new-participant.js';

/** Without a session; `onKey` is called for each key that is told of. */
export function liveLeg(media: MediaPlane, onKey: (digit: string, durationMs: number) => void): LiveLeg {
  return new LiveLeg({
    legId: 'live-leg',
    participant: { ...newParticipant('acme', { publishPermissions: ['AUDIO'] }, 0), legId: 'live-leg' },
    door: 'sip',
    callId: 'call',
    voiceCallId: null,
    signalling: { renegotiate: () => undefined, terminate: () => undefined },
    media,
    clock: systemClock,
    observer: { legDtmf: (_leg, digit, durationMs) => onKey(digit, durationMs) },
  });
}
