import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wavFile } from '../../test/support/wav-file.js';
import { DiskRecordingFiles } from './disk-recording-files.js';

let parent: string;
let directory: string;
let files: DiskRecordingFiles;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'landbridge-files-'));
  directory = join(parent, 'deep', 'recordings');
  files = new DiskRecordingFiles(directory);
});
afterEach(() => rmSync(parent, { recursive: true }));

/** An Ogg page without its packets: the head is all that says how long a file lasts. */
function oggPage(granulePosition: bigint, body: Buffer): Buffer {
  const head = Buffer.alloc(28);
  head.write('OggS', 'latin1');
  head.writeBigInt64LE(granulePosition, 6);
  head.writeUInt8(1, 26);
  head.writeUInt8(Math.min(255, body.length), 27);
  return Buffer.concat([head, body]);
}

function opusHead(preSkip: number): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead', 'latin1');
  head.writeUInt16LE(preSkip, 10);
  return head;
}

const oggFile = (...granulePositions: bigint[]) =>
  Buffer.concat([
    oggPage(0n, opusHead(312)),
    ...granulePositions.map((at) => oggPage(at, Buffer.alloc(200))),
  ]);

describe('The files of recordings', () => {
  it('are in a directory that is nobody else’s, under their id', () => {
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const recordingId = randomUUID();
    expect(files.path({ recordingId, format: 'ogg' })).toBe(join(directory, `${recordingId}.ogg`));
    expect(() => files.path({ recordingId: '../../etc/passwd', format: 'wav' })).toThrow();
  });

  it('are listed and removed by their names; what has another name is not ours', async () => {
    const recordingId = randomUUID();
    const ours = { recordingId, format: 'wav' } as const;
    writeFileSync(files.path(ours), 'x');
    for (const name of ['notes.txt', `${recordingId}.mp3`, 'x.wav', `${recordingId}.wav.bak`]) {
      writeFileSync(join(directory, name), 'x');
    }
    expect(await files.list()).toEqual([ours]);
    await files.remove(ours);
    await files.remove(ours);
    expect(await files.list()).toEqual([]);
    expect(readdirSync(directory)).toHaveLength(4);
  });

  it('say how long they last, also where they were cut off', async () => {
    const inspect = (format: 'wav' | 'ogg', content: Buffer) => {
      const file = { recordingId: randomUUID(), format };
      writeFileSync(files.path(file), content);
      return files.inspect(file);
    };
    expect(await inspect('wav', wavFile({ seconds: 2 }))).toEqual({ durationMs: 2000, bytes: 32_044 });
    const cut = wavFile({ seconds: 2, declaredBytes: 0 }).subarray(0, 44 + 16_000);
    expect(await inspect('wav', cut)).toEqual({ durationMs: 1000, bytes: 16_044 });
    expect(await inspect('wav', Buffer.from('RIFF'))).toEqual({ durationMs: null, bytes: 4 });
    const whole = oggFile(48_000n, 96_312n);
    expect(await inspect('ogg', whole)).toEqual({ durationMs: 2000, bytes: whole.length });
    expect(await inspect('ogg', oggFile(48_312n, -1n))).toMatchObject({ durationMs: 1000 });
    expect(await inspect('ogg', whole.subarray(0, whole.length - 220))).toMatchObject({ durationMs: 994 });
    expect(await inspect('ogg', Buffer.alloc(0))).toEqual({ durationMs: null, bytes: 0 });
    expect(await files.inspect({ recordingId: randomUUID(), format: 'ogg' })).toBeNull();
  });

  it('know what the disk has left', async () => {
    expect(await files.freeBytes()).toBeGreaterThan(0);
  });
});
