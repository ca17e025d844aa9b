import { describe, expect, it } from 'vitest';
import { WorkerMediaConnection } from './worker-media-connection.js';

const plain = 'v=0\r\nm=audio 20000 RTP/AVP 0\r\n';
const encrypted = 'v=0\r\nm=audio 20002 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n';

/** A connection whose worker answers with these, one after the other. */
function connection(opening: object, ...replies: readonly (string | null)[]): WorkerMediaConnection {
  const left = [...replies];
  const request = () => Promise.resolve(left.shift() as never);
  return new WorkerMediaConnection(
    { legId: 'a', connection: 'main' },
    { name: 'main', flow: 'both', ...opening },
    request,
  );
}

describe('where a connection stands, for another that is to go on from it', () => {
  it('is its last description, encrypted where the answer has a key', async () => {
    const called = connection({ offer: plain }, plain, null);
    called.setOpened(encrypted);
    expect(called.past).toEqual({ description: encrypted, isEncrypted: true });
    expect(called.port).toBe(20_002);
    await called.answer(plain);
    expect(called.past).toEqual({ description: plain, isEncrypted: false });
  });

  it('of an offer of ours beside plain RTP is as the far end has answered', async () => {
    const calling = connection({ offer: null }, null, null);
    calling.setOpened(encrypted);
    expect(calling.past.isEncrypted).toBe(false);
    await calling.accept(encrypted);
    expect(calling.past).toEqual({ description: encrypted, isEncrypted: true });
    await calling.accept(plain);
    expect(calling.past.isEncrypted).toBe(false);
  });

  it('is that of the one before until it is described itself, and stays encrypted while it has only offered', async () => {
    const past = { description: encrypted, isEncrypted: true };
    const moved = connection({ resumes: past }, plain, null);
    moved.setOpened('');
    expect(moved.past).toEqual(past);
    expect(moved.port).toBe(20_002);
    await moved.offer();
    expect(moved.past).toEqual({ description: plain, isEncrypted: true });
    await moved.accept(encrypted);
    expect(moved.past.isEncrypted).toBe(true);
  });

  it('has no port before it is described', () => {
    expect(connection({}).port).toBeNull();
  });
});
