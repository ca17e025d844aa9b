import { afterEach, expect, it, vi } from 'vitest';
import type { Connection, Publication } from '../src/api.js';
import { OwnMedia } from './own-media.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

function opened() {
  const track = { kind: 'audio', stop: vi.fn() };
  const stream = { getTracks: () => [track], getAudioTracks: () => [track] } as unknown as MediaStream;
  return { track, stream };
}

it('leaves no microphone on that was opened in the place of one pulled out while the person left', async () => {
  const [first, second] = [opened(), opened()];
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: () => Promise.resolve(second.stream) } });
  let trackEnded: (event: unknown) => void = () => undefined;
  const publication = {
    mediaStream: first.stream,
    replaceTrack: () => Promise.reject(new Error('the connection is closed')),
  } as unknown as Publication;
  const connection = {
    on: (name: string, listener: (event: unknown) => void) => {
      if (name === 'trackEnded') trackEnded = listener;
    },
    publish: () => Promise.resolve(publication),
  } as unknown as Connection;
  const changed = vi.fn();
  const media = new OwnMedia(connection, changed);
  await media.publishMicrophone(first.stream);
  changed.mockClear();
  trackEnded({ publication, mediaType: 'AUDIO' });
  media.release();
  await vi.waitFor(() => expect(changed).toHaveBeenCalled());
  expect(second.track.stop).toHaveBeenCalled();
});
