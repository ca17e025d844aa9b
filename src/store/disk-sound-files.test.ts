import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wavFile } from '../../test/support/wav-file.js';
import { DiskSoundFiles } from './disk-sound-files.js';

const limits = { maxSeconds: 2, maxPerAccount: 3, minFreeBytes: 0 };
let directory: string;
let files: DiskSoundFiles;

beforeEach(async () => {
  directory = join(mkdtempSync(join(tmpdir(), 'landbridge-sounds-')), 'sounds');
  files = await DiskSoundFiles.open(directory);
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

async function* inParts(content: Buffer, partBytes = 1000): AsyncIterable<Buffer> {
  for (let at = 0; at < content.length; at += partBytes) {
    yield await Promise.resolve(content.subarray(at, at + partBytes));
  }
}

const put = (name: string, content: Buffer, account = 'acme') =>
  files.put(account, name, inParts(content), limits);

describe('Sounds on the disk', () => {
  it('are kept, described, replaced and removed', async () => {
    const stored = await put('welcome', wavFile({ seconds: 1 }));
    expect(stored).toMatchObject({
      result: 'stored',
      sound: { name: 'welcome', bytes: 16_044, durationMs: 1000, sampleRateHz: 8000, channels: 1 },
    });
    await put('bye.v2', wavFile({ seconds: 0.5, channels: 2, sampleRateHz: 48_000 }));
    await put('welcome', wavFile({ seconds: 2 }));
    expect((await files.list('acme')).map(({ name, durationMs }) => [name, durationMs])).toEqual([
      ['bye.v2', 500],
      ['welcome', 2000],
    ]);
    expect(await files.remove('acme', 'welcome')).toBe(true);
    expect(await files.remove('acme', 'welcome')).toBe(false);
    expect(await files.get('acme', 'welcome')).toBeNull();
  });

  it('are of one account alone, whatever it is called and however they are', async () => {
    for (const account of ['../..', '/etc', 'acme', 'Acme']) {
      await put('..', wavFile({ seconds: 1 }), account);
      await put('.', wavFile({ seconds: 1 }), account);
      expect(await files.list(account)).toHaveLength(2);
    }
    expect(await files.list('nobody')).toEqual([]);
    expect(await files.get('nobody', '..')).toBeNull();
    expect(await files.remove('nobody', '..')).toBe(false);
    expect(readdirSync(join(directory, '..'))).toEqual(['sounds']);
    expect(readdirSync(directory)).toHaveLength(4);
    for (const name of ['../x', 'a/b', '', 'ä', 'x'.repeat(65), 'a\0']) {
      expect(() => files.path('acme', name)).toThrow();
    }
  });

  it('are nobody else’s to read', async () => {
    await put('welcome', wavFile({ seconds: 1 }));
    const path = files.path('acme', 'welcome');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('are not taken where the disk has too little left', async () => {
    const content = inParts(wavFile({ seconds: 1 }));
    const wanted = { ...limits, minFreeBytes: Number.MAX_SAFE_INTEGER };
    expect(await files.put('acme', 'welcome', content, wanted)).toEqual({ result: 'disk-full' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('are taken up to a length and a number, and what is refused leaves no trace', async () => {
    expect(await put('long', wavFile({ seconds: 2.1 }))).toEqual({ result: 'too-large' });
    const endless = { sampleRateHz: 48_000, channels: 2, bits: 32, seconds: 3 } as const;
    expect(await put('endless', wavFile(endless))).toEqual({ result: 'too-large' });
    for (const name of ['a', 'b']) await put(name, wavFile({ seconds: 1 }));
    const last = await Promise.all(['c', 'd', 'e'].map((name) => put(name, wavFile({ seconds: 1 }))));
    expect(last.map(({ result }) => result).sort()).toEqual(['stored', 'too-many', 'too-many']);
    expect((await put('a', wavFile({ seconds: 1 }))).result).toBe('stored');
    expect(readdirSync(join(files.path('acme', 'a'), '..'))).toHaveLength(3);
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'no WAV'],
    ['another file', Buffer.from('ID3 an MP3 with some more text'), 'no WAV'],
    ['a head alone', wavFile({ seconds: 1 }).subarray(0, 40), 'without a sound'],
    ['no sound', wavFile({ seconds: 0 }), 'no sound'],
    ['a rate too low', wavFile({ seconds: 1, sampleRateHz: 4000 }), '8 to 48 kHz'],
    ['many channels', wavFile({ seconds: 1, channels: 6 }), 'mono or stereo'],
    ['an unknown coding', wavFile({ seconds: 1, format: 85, bits: 16 }), 'PCM'],
  ] as const)('are refused where the file is %s', async (_, content, why) => {
    expect(await put('bad', content)).toMatchObject({
      result: 'invalid',
      why: expect.stringContaining(why) as string,
    });
    expect(await files.list('acme')).toEqual([]);
  });

  it.each([
    ['8-bit', { bits: 8 }],
    ['24-bit', { bits: 24 }],
    ['32-bit', { bits: 32 }],
    ['float', { format: 3, bits: 32 }],
    ['μ-law', { format: 7, bits: 8 }],
    ['A-law', { format: 6, bits: 8 }],
    ['extensible', { isExtensible: true }],
    ['unfinished', { declaredBytes: 0 }],
    ['streamed', { declaredBytes: 0xffffffff }],
    ['with other chunks before its sound', { before: Buffer.from('LIST\x05\0\0\0hello\0', 'latin1') }],
  ] as const)('may be %s', async (_, changes) => {
    expect(await put('good', wavFile({ seconds: 1, ...changes }))).toMatchObject({
      result: 'stored',
      sound: { durationMs: 1000 },
    });
  });

  it('of an upload that breaks off are not there, and leave nothing, also where the process does', async () => {
    async function* broken() {
      yield await Promise.resolve(wavFile({ seconds: 1 }));
      throw new Error('the connection is gone');
    }
    await expect(files.put('acme', 'broken', broken(), limits)).rejects.toThrow('gone');
    const account = join(files.path('acme', 'broken'), '..');
    expect(readdirSync(account)).toEqual([]);
    mkdirSync(account, { recursive: true });
    const left = join(account, '0b7c5f0e-6c1c-4f5e-9d0b-7a2f3f1d9c11.tmp');
    const others = join(account, 'notes.txt');
    for (const path of [left, others]) writeFileSync(path, 'x');
    await DiskSoundFiles.open(directory);
    expect([existsSync(left), existsSync(others)]).toEqual([false, true]);
    expect(await files.list('acme')).toEqual([]);
  });
});
