import { describe, expect, it, vi } from 'vitest';
import { LocalPublication } from './publication.js';

class FakeTrack extends EventTarget {
  readonly kind = 'video';
  enabled = true;
}

function published() {
  const track = (): MediaStreamTrack => new FakeTrack() as unknown as MediaStreamTrack;
  const stream = { addTrack: vi.fn(), removeTrack: vi.fn() };
  const ended: string[] = [];
  const old = track();
  const publication = new LocalPublication(
    'camera',
    stream as unknown as MediaStream,
    [old],
    (_, mediaType) => ended.push(mediaType),
  );
  const sender = { replaceTrack: vi.fn(() => Promise.resolve()) };
  publication.transceivers = [{ receiver: { track: old }, sender } as unknown as RTCRtpTransceiver];
  return { publication, sender, ended, track };
}

describe('a publication', () => {
  it('sends another track in the old one’s place, and tells when that ends', async () => {
    const { publication, sender, ended, track } = published();
    const next = track();
    await publication.replaceTrack(next);
    expect(sender.replaceTrack).toHaveBeenCalledWith(next);
    next.dispatchEvent(new Event('ended'));
    expect(ended).toEqual(['VIDEO']);
  });

  it('that is over sends nothing more: its section may be another one’s', async () => {
    const { publication, sender, track } = published();
    publication.end();
    await expect(publication.replaceTrack(track())).rejects.toMatchObject({ code: 'invalid-stream' });
    expect(sender.replaceTrack).not.toHaveBeenCalled();
  });

  it('that ends while a track is replaced tells of no track any more', async () => {
    const { publication, ended, track } = published();
    const next = track();
    const replaced = publication.replaceTrack(next);
    publication.end();
    await replaced;
    next.dispatchEvent(new Event('ended'));
    expect(ended).toEqual([]);
  });
});
