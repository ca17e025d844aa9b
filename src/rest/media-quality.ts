/** What was counted of a connection's media, as live connections and call records show it. */
import * as z from 'zod';
import type { AudioQuality, MediaLegStatistics } from '../domain/media-plane.js';
import { tenths } from './fields.js';

const directionSchema = z
  .strictObject({
    lossPercent: z.number().describe('In the last ten seconds that were measured.'),
    jitterMs: z.number(),
    mos: z
      .number()
      .describe('Mean opinion score in the last ten seconds, 1 to 4.5, by the E-model: see docs/media.md.'),
    packets: z.int().describe('Received, since the beginning.'),
    packetsLost: z.int(),
    totalLossPercent: z.number(),
    jitterP95Ms: z.number().describe('95 of 100 measurements were no higher.'),
    jitterMaxMs: z.number(),
    mosMean: z.number(),
    mosWorst: z.number().describe('Of the worst ten seconds.'),
  })
  .meta({ id: 'DirectionQuality', description: 'One direction of the audio, as its receiver counts.' });

export const audioQualitySchema = z
  .strictObject({
    received: directionSchema.nullable().describe('What the gateway receives; null where nothing came.'),
    sent: directionSchema
      .nullable()
      .describe('What the far end says that it receives (RTCP); null where it said nothing.'),
    roundTripMs: z.number().nullable().describe('Null where the far end reports nothing to tell it by.'),
    oneWay: z
      .enum(['not-received', 'not-heard', 'not-reported'])
      .nullable()
      .describe(
        'Audio goes one way only. `not-received`: the far end reports that it sends, and nothing comes. `not-heard`: it reports that nothing comes any more. `not-reported`: it never reported that anything came.',
      ),
  })
  .meta({ id: 'AudioQuality', description: 'How good the audio is, both ways.' });

type Formatted = Omit<MediaLegStatistics, 'audio'> & { readonly audio: AudioQuality | null };

export function formatMedia(statistics: MediaLegStatistics): Formatted {
  const {
    packetsNotGenuine,
    encryption,
    packetsReceived,
    packetsSent,
    packetsLost,
    packetsFromStrangers,
    jitterMs,
    audio = null,
  } = statistics;
  const counted = { packetsReceived, packetsSent, packetsLost, packetsFromStrangers };
  return {
    ...counted,
    ...(packetsNotGenuine !== undefined && { packetsNotGenuine }),
    ...(encryption !== undefined && { encryption }),
    jitterMs: tenths(jitterMs),
    audio,
  };
}
