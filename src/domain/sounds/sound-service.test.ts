import { describe, expect, it } from 'vitest';
import { MemorySoundFiles } from '../../../test/support/memory-files.js';
import { SoundService } from './sound-service.js';
import type { PutSoundResult } from './sound.js';

describe('Uploads of sounds', () => {
  it('of one account leave the others room', async () => {
    const files = new MemorySoundFiles();
    const ends: (() => void)[] = [];
    files.put = () =>
      new Promise<PutSoundResult>((resolve) => ends.push(() => resolve({ result: 'too-large' })));
    const limits = { maxSeconds: 1, maxPerAccount: 10, minFreeBytes: 0 };
    const sounds = new SoundService({ files, limits, maxUploads: 3 });
    const put = (account: string) =>
      sounds.put(account, 'x', (async function* () {})()).catch((error: { code: string }) => error.code);

    const begun = [put('slow'), put('slow')];
    expect(await put('slow')).toBe('too-many-uploads');
    begun.push(put('other'));
    expect(await put('third')).toBe('too-many-uploads');
    for (const end of ends.splice(0)) end();
    expect(await Promise.all(begun)).toEqual(['sound-too-large', 'sound-too-large', 'sound-too-large']);
    const again = put('slow');
    ends[0]?.();
    expect(await again).toBe('sound-too-large');
  });
});
