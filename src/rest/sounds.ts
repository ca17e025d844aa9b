/** Sounds that can be played to phones: `/sounds`. */
import { Readable } from 'node:stream';
import * as z from 'zod';
import { soundName, type StoredSound } from '../domain/sounds/sound.js';
import type { SoundService } from '../domain/sounds/sound-service.js';
import { formatTime, time } from './fields.js';
import type { FileAnswer } from './file-answer.js';
import { operationsOf, type Operation } from './operation.js';
import { InvalidRequest } from './rest-error.js';

/** The media types by which clients name WAV. */
export const wavMediaTypes = ['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave'] as const;

export const soundNameField = z
  .string()
  .regex(soundName, 'must be 1 to 64 letters, digits, dots, underscores or hyphens');

const soundSchema = z
  .strictObject({
    name: z.string(),
    bytes: z.int(),
    durationMs: z.int(),
    sampleRateHz: z.int(),
    channels: z.int(),
    createdAt: time.describe('When it was uploaded.'),
  })
  .meta({ id: 'Sound', description: 'A WAV file that can be played to phones.' });

function formatSound(sound: StoredSound): z.output<typeof soundSchema> {
  const { name, bytes, durationMs, sampleRateHz, channels } = sound;
  return { name, bytes, durationMs, sampleRateHz, channels, createdAt: formatTime(sound.createdAt) };
}

const soundPath = z.object({ name: soundNameField });

const define = operationsOf('Sounds');

export function soundOperations(sounds: SoundService): Operation[] {
  return [
    define({
      operationId: 'putSound',
      method: 'PUT',
      path: '/sounds/{name}',
      summary: 'Upload a sound',
      description:
        'A WAV file of PCM (8, 16, 24, 32 bit or float) or G.711, 8 to 48 kHz, mono or stereo. Replaces one of the same name; 409 where the account has too many, 507 where the disk has no room.',
      params: soundPath,
      upload: wavMediaTypes,
      success: { status: 200, description: 'The sound', schema: soundSchema },
      errors: [409, 507],
      handle: async ({ accountId, params, body }) => {
        if (!(body instanceof Readable)) throw new InvalidRequest(null, 'The body must be a WAV file');
        try {
          return formatSound(await sounds.put(accountId, params.name, body as AsyncIterable<Uint8Array>));
        } catch (error) {
          // The client has gone away and reads no answer; the log need not call that a fault.
          throw body.errored === error ? new InvalidRequest(null, 'The upload was broken off') : error;
        }
      },
    }),
    define({
      operationId: 'listSounds',
      method: 'GET',
      path: '/sounds',
      summary: 'List sounds',
      success: {
        status: 200,
        description: 'All sounds of the account, by name',
        schema: z.array(soundSchema),
      },
      handle: async ({ accountId }) => (await sounds.list(accountId)).map(formatSound),
    }),
    define({
      operationId: 'getSound',
      method: 'GET',
      path: '/sounds/{name}',
      summary: 'Get a sound’s figures',
      params: soundPath,
      success: { status: 200, description: 'The sound', schema: soundSchema },
      errors: [404],
      handle: async ({ accountId, params }) => formatSound(await sounds.get(accountId, params.name)),
    }),
    define({
      operationId: 'downloadSound',
      method: 'GET',
      path: '/sounds/{name}/media',
      summary: 'Download a sound',
      params: soundPath,
      success: { status: 200, description: 'The file', download: ['audio/wav'] },
      errors: [404, 416],
      handle: async ({ accountId, params }): Promise<FileAnswer> => ({
        kind: 'file',
        path: await sounds.find(accountId, params.name),
        mediaType: 'audio/wav',
        fileName: `${params.name}.wav`,
      }),
    }),
    define({
      operationId: 'deleteSound',
      method: 'DELETE',
      path: '/sounds/{name}',
      summary: 'Delete a sound',
      description: 'A phone that hears it hears it to its end.',
      params: soundPath,
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => sounds.delete(accountId, params.name),
    }),
  ];
}
