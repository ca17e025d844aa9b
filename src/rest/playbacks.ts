/** What phones are played: `/participants/{participantId}/play`, `/sessions/{sessionId}/play`. */
import * as z from 'zod';
import type { LivePlayback, NewPlayback, PlaybackService } from '../domain/sounds/playback-service.js';
import { formatTime, participantPath, sessionPath, time, uuid } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import { soundNameField } from './sounds.js';

const tone = z
  .strictObject({
    frequenciesHz: z
      .array(z.number().min(20).max(3800))
      .min(1)
      .max(2)
      .describe('One, or two that sound together.'),
    durationMs: z.int().min(20).max(60_000),
    levelDb: z
      .number()
      .min(-60)
      .max(0)
      .default(-12)
      .describe('Of the whole tone; 0 is the loudest there is.'),
  })
  .meta({ id: 'Tone' });

const newPlayback = z
  .strictObject({
    sound: soundNameField.optional().describe('Name of an uploaded sound. This or `tone`.'),
    tone: tone.optional(),
    times: z
      .union([z.int().min(1).max(1000), z.literal('untilStopped')], 'must be 1 to 1000, or "untilStopped"')
      .default(1),
    mode: z
      .enum(['over', 'instead'])
      .default('over')
      .describe('`over`: beside what the phone hears. `instead`: alone.'),
  })
  .refine(
    ({ sound, tone: given }) => (sound === undefined) !== (given === undefined),
    'must have exactly one of sound and tone',
  )
  .meta({ id: 'NewPlayback' });

const playbackSchema = z
  .strictObject({
    playbackId: z.uuid(),
    participantId: z.uuid(),
    legId: z.uuid(),
    sound: z.string().optional(),
    tone: z
      .strictObject({ frequenciesHz: z.array(z.number()), durationMs: z.int(), levelDb: z.number() })
      .optional(),
    times: z.union([z.int(), z.literal('untilStopped')]),
    mode: z.enum(['over', 'instead']),
    startedAt: time,
  })
  .meta({ id: 'Playback', description: 'What a phone is being played.' });

function toPlayback({ sound, tone: given, times, mode }: z.output<typeof newPlayback>): NewPlayback {
  // The schema has seen that one of them is there.
  const source = sound ?? given ?? '';
  return { sound: source, times: times === 'untilStopped' ? null : times, mode };
}

function formatPlayback(playback: LivePlayback): z.output<typeof playbackSchema> {
  const { sound, times } = playback;
  return {
    playbackId: playback.id,
    participantId: playback.participantId,
    legId: playback.legId,
    ...(typeof sound === 'string'
      ? { sound }
      : { tone: { ...sound, frequenciesHz: [...sound.frequenciesHz] } }),
    times: times ?? 'untilStopped',
    mode: playback.mode,
    startedAt: formatTime(playback.startedAt),
  };
}

const playbackPath = participantPath.extend({ playbackId: uuid });
const conflicts =
  '409 where the participant is not connected or no phone, or the sound cannot be played; 503 where too many are.';

const define = operationsOf('Sounds');

export function playbackOperations(playbacks: PlaybackService): Operation[] {
  return [
    define({
      operationId: 'play',
      method: 'POST',
      path: '/participants/{participantId}/play',
      summary: 'Play a sound to a phone',
      description: `In place of what it is being played, which ends as \`replaced\`. ${conflicts}`,
      params: participantPath,
      body: newPlayback,
      success: { status: 201, description: 'What is being played now', schema: playbackSchema },
      errors: [404, 409],
      handle: async ({ accountId, params, body }) =>
        formatPlayback(await playbacks.play(accountId, params.participantId, toPlayback(body))),
    }),
    define({
      operationId: 'listPlaybacks',
      method: 'GET',
      path: '/participants/{participantId}/play',
      summary: 'Get what a phone is being played',
      params: participantPath,
      success: { status: 200, description: 'One at most', schema: z.array(playbackSchema) },
      errors: [404],
      handle: async ({ accountId, params }) =>
        (await playbacks.list(accountId, params.participantId)).map(formatPlayback),
    }),
    define({
      operationId: 'stopPlaying',
      method: 'DELETE',
      path: '/participants/{participantId}/play',
      summary: 'Stop whatever a phone is being played',
      params: participantPath,
      success: { status: 204, description: 'Nothing is being played' },
      errors: [404],
      handle: ({ accountId, params }) => playbacks.stop(accountId, params.participantId, null),
    }),
    define({
      operationId: 'stopPlayback',
      method: 'DELETE',
      path: '/participants/{participantId}/play/{playbackId}',
      summary: 'Stop a playback',
      description: '404 where it has ended.',
      params: playbackPath,
      success: { status: 204, description: 'Stopped' },
      errors: [404],
      handle: ({ accountId, params }) => playbacks.stop(accountId, params.participantId, params.playbackId),
    }),
    define({
      operationId: 'playToSession',
      method: 'POST',
      path: '/sessions/{sessionId}/play',
      summary: 'Play a sound to every phone in a session',
      description: 'To those that are connected now; each has a playback of its own.',
      params: sessionPath,
      body: newPlayback,
      success: {
        status: 201,
        description: 'The playbacks',
        schema: z.strictObject({ playbacks: z.array(playbackSchema) }),
      },
      errors: [404, 409],
      handle: async ({ accountId, params, body }) => {
        const played = await playbacks.playToSession(accountId, params.sessionId, toPlayback(body));
        return { playbacks: played.map(formatPlayback) };
      },
    }),
  ];
}
