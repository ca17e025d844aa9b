/** What the media of a leg counted, over all calls that had the leg one after the other. */
import type { MediaLegStatistics } from '../media-plane.js';

type Counted = Promise<MediaLegStatistics | null>;

export class LegCounts {
  #former: Counted = Promise.resolve(null);

  /** Adds the media of a call that has the leg no longer. Resolves when it has been counted. */
  add(closed: Counted): Promise<unknown> {
    this.#former = this.with(closed);
    return this.#former;
  }

  /** The counts of the former calls and these. What is not known, because its media worker is gone, is left out; null: all of it. */
  async with(last: Counted): Counted {
    const [former, own] = await Promise.all([this.#former, last]);
    return former === null || own === null ? (own ?? former) : sumOf(former, own);
  }
}

/** Nothing where neither counts them. */
function sumOfFakes(
  former: MediaLegStatistics,
  last: MediaLegStatistics,
): Pick<MediaLegStatistics, 'packetsNotGenuine'> {
  if (former.packetsNotGenuine === undefined && last.packetsNotGenuine === undefined) return {};
  return { packetsNotGenuine: (former.packetsNotGenuine ?? 0) + (last.packetsNotGenuine ?? 0) };
}

function sumOf(former: MediaLegStatistics, last: MediaLegStatistics): MediaLegStatistics {
  return {
    packetsReceived: former.packetsReceived + last.packetsReceived,
    packetsSent: former.packetsSent + last.packetsSent,
    packetsLost: former.packetsLost + last.packetsLost,
    packetsFromStrangers: former.packetsFromStrangers + last.packetsFromStrangers,
    ...sumOfFakes(former, last),
    ...(last.encryption !== undefined && { encryption: last.encryption }),
    // How it is now, as RFC 3550 §6.4.1 means it: there is no sum of that.
    jitterMs: last.jitterMs,
    // Of another path, and of another far end.
    ...(last.audio !== undefined && { audio: last.audio }),
  };
}
