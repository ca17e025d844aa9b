/** Settings of the sounds that phones are played, and of recordings. */
import * as z from 'zod';
import { count, group, path, seconds } from './schema-parts.js';

export const soundsAndRecordingsGroups = {
  sounds: group('What phones hear beside each other', {
    holdMusic: path.optional().meta({
      description: 'WAV file that a caller hears who waits, in place of two soft bell notes.',
      defaultText: 'the bell notes',
    }),
    holdMusicWhenAlone: z
      .boolean()
      .default(true)
      .describe('Also for a caller in a session until somebody can be heard there. Else: silence.'),
    joinTone: z.boolean().default(false).describe('A short rising tone when somebody joins the session.'),
    leaveTone: z.boolean().default(false).describe('A short falling tone when somebody leaves it.'),
    maxSeconds: seconds
      .max(3600)
      .default(300)
      .describe('Longest sound that can be uploaded or be hold music.'),
    maxPerAccount: count.default(100).describe('Uploaded sounds of one account.'),
    maxUploads: count.default(4).describe('Sounds being uploaded at once; above it 503.'),
    maxUploadsPerAccount: count.default(2).describe('The same for one account.'),
    maxPlaybacks: count.default(1000).describe('Sounds being played at once, over all accounts.'),
  }),

  recordings: group('Recordings', {
    directory: path
      .optional()
      .meta({ description: 'Where recordings are kept.', defaultText: '`recordings` in the data directory' }),
    maxAtOnce: z
      .int()
      .min(0)
      .default(100)
      .describe('Recordings at once, over all accounts. 0: nobody can record.'),
    maxSeconds: seconds.default(14_400).describe('A recording ends by itself after this.'),
    maxBytes: count.default(1_073_741_824).describe('A recording ends by itself at this size.'),
    maxBytesPerAccount: count
      .default(10_737_418_240)
      .describe('Recordings of one account together: above it none begins, and those that run end.'),
    minFreeBytes: z
      .int()
      .min(0)
      .default(1_073_741_824)
      .describe(
        'Space left free on the disk: below it no recording begins, those that run end, and no sound is uploaded.',
      ),
    keepDays: z.int().min(0).max(36_500).default(0).describe('A recording is deleted after this. 0: never.'),
    maxPerAccount: count.default(10_000).describe('Recordings kept of one account.'),
  }),
};
