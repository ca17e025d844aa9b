import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { AdminChannel, maxFrameBytes } from './admin-channel.js';

const idBytes = 36;
const newId = (n: number) => String(n).padStart(idBytes, '0');

/** A message whose frame has so many bytes. */
function messageOf(frameBytes: number, start = 'sip|t|\r\nSIP/2.0 200 OK\r\n\r\n'): string {
  const content = frameBytes - `${String(frameBytes)}#`.length - idBytes - 1;
  return start + 'x'.repeat(content - start.length);
}

function newChannel() {
  const clock = new ManualClock();
  const written: string[] = [];
  const refused: string[] = [];
  let stuck = 0;
  const channel = new AdminChannel({
    write: (frame) => void written.push(frame),
    refuse: (id) => void refused.push(id),
    onStuck: () => void (stuck += 1),
    clock,
  });
  return { clock, written, refused, channel, stuck: () => stuck };
}

describe('what is written to a drachtio-server', () => {
  it('is framed by its length in bytes', () => {
    const { channel, written } = newChannel();
    channel.send('id', 'sip|ü|');
    expect(written).toEqual(['10#id|sip|ü|']);
  });

  it('waits while so much is unanswered that its buffer could overflow, and then goes in order', () => {
    const { channel, written } = newChannel();
    for (const n of [1, 2, 3]) channel.send(newId(n), messageOf(5000));
    channel.send(newId(4), 'ping');
    expect(written).toHaveLength(2);
    channel.answered(newId(2));
    expect(written).toHaveLength(4);
    expect(written[3]).toContain(newId(4));
  });

  it('goes on after a while without an answer', () => {
    const { channel, written, clock } = newChannel();
    for (const n of [1, 2]) channel.send(newId(n), messageOf(maxFrameBytes));
    expect(written).toHaveLength(1);
    clock.advance(2000);
    expect(written).toHaveLength(2);
    expect(channel.answers).toBe(0);
    channel.answered(newId(2));
    expect(channel.answers).toBe(1);
    channel.close();
    expect(clock.pending).toBe(0);
  });

  it('says how much waits', () => {
    const { channel } = newChannel();
    for (const n of [1, 2, 3]) channel.send(newId(n), messageOf(9000));
    expect(channel.waitingBytes).toBe(18_000);
    for (const n of [1, 2, 3]) channel.answered(newId(n));
    expect(channel.waitingBytes).toBe(0);
  });

  it('is refused above the limit, and never within the call', async () => {
    const { channel, written, refused } = newChannel();
    channel.send(newId(1), messageOf(maxFrameBytes));
    channel.send(newId(2), messageOf(maxFrameBytes + 1));
    expect(refused).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(refused).toEqual([newId(2)]);
    expect(written).toHaveLength(1);
  });

  it('is a response without its copies of the request’s headers, where those are too long', () => {
    const { channel, written, refused } = newChannel();
    const long = 'x'.repeat(20_000);
    channel.send(
      'id',
      `sip|t|\r\nSIP/2.0 200 OK\r\nfrom: ${long}\r\nTo: ${long}\r\ncall-id: ${long}\r\nCSeq: 1 BYE\r\nAllow: BYE\r\n\r\nfrom: body`,
    );
    expect(written).toEqual(['51#id|sip|t|\r\nSIP/2.0 200 OK\r\nAllow: BYE\r\n\r\nfrom: body']);
    expect(refused).toEqual([]);
  });

  it('is given up where the server reads nothing any more', () => {
    const { channel, stuck } = newChannel();
    for (let n = 0; n < 1600 && stuck() === 0; n += 1) channel.send(newId(n), messageOf(maxFrameBytes));
    expect(stuck()).toBe(1);
  });

  it('never has more unanswered than fits, and nothing is lost, in whatever order the answers come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ bytes: fc.integer({ min: 100, max: maxFrameBytes }), pick: fc.nat() }), {
          maxLength: 40,
        }),
        (messages) => {
          const { channel, written } = newChannel();
          const open: { id: string; bytes: number }[] = [];
          let seen = 0;
          const look = () => {
            for (; seen < written.length; seen += 1) {
              const frame = written[seen] ?? '';
              const id = frame.slice(frame.indexOf('#') + 1).slice(0, idBytes);
              open.push({ id, bytes: Buffer.byteLength(frame) });
            }
            expect(open.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(maxFrameBytes);
          };
          messages.forEach(({ bytes, pick }, n) => {
            channel.send(newId(n), messageOf(bytes));
            look();
            if (pick % 3 === 0) channel.answered(open.splice(pick % open.length, 1)[0]?.id ?? '');
            look();
          });
          while (open.length > 0) {
            channel.answered(open.shift()?.id ?? '');
            look();
          }
          expect(written).toHaveLength(messages.length);
          channel.close();
        },
      ),
    );
  });
});
