import { describe, expect, it } from 'vitest';
import { FakeWebSocket } from '../../../test/support/fake-web-socket.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { DeviceSocket, type DeviceSocketLimits } from './device-socket.js';

function open(limits: DeviceSocketLimits = {}) {
  const clock = new ManualClock();
  const webSocket = new FakeWebSocket();
  const socket = new DeviceSocket(webSocket, clock, limits);
  const methods: string[] = [];
  const closes: number[] = [];
  const reader = {
    onMessage: (message: { readonly kind: string; readonly method?: string }) =>
      void methods.push(message.method ?? message.kind),
    onClosed: (code: number) => void closes.push(code),
  };
  return { clock, webSocket, socket, methods, closes, reader };
}

describe('a socket of a device', () => {
  it('keeps what comes before somebody reads, in order, and as much as it may', () => {
    const { webSocket, socket, methods, reader } = open({ maxUnread: 2 });
    webSocket.says('one');
    webSocket.says('two');
    socket.read(reader);
    webSocket.says('three');
    expect(methods).toEqual(['one', 'two', 'three']);

    const flooded = open({ maxUnread: 2 });
    for (const method of ['one', 'two', 'three']) flooded.webSocket.says(method);
    expect(flooded.webSocket.closedWith).toEqual([1008, 'too many messages']);
  });

  it('answers what is no message by itself, and goes on', () => {
    const { webSocket, socket, methods, reader } = open();
    socket.read(reader);
    webSocket.receives('{');
    webSocket.receives('[]');
    webSocket.says('ping');
    expect(webSocket.sent.map(({ error }) => error?.code)).toEqual([-32_700, -32_600]);
    expect(methods).toEqual(['ping']);
  });

  it('drops unread what is too long or no text', () => {
    const { webSocket, socket, methods, reader } = open({ maxMessageBytes: 100 });
    socket.read(reader);
    webSocket.receives(`{"jsonrpc":"2.0","method":"${'x'.repeat(100)}"}`);
    webSocket.receives('{}', true);
    expect(socket.messagesDropped).toBe(2);
    expect([methods, webSocket.sent]).toEqual([[], []]);
  });

  it('gives up one that says too much, and tells the reader that it is lost', () => {
    const { clock, webSocket, socket, methods, closes, reader } = open({ burst: 3, messagesPerSecond: 2 });
    socket.read(reader);
    for (let n = 0; n < 3; n++) webSocket.says('ping');
    clock.advance(1000);
    for (let n = 0; n < 2; n++) webSocket.says('ping');
    expect(methods).toHaveLength(5);
    webSocket.says('ping');
    expect(webSocket.closedWith).toEqual([1008, 'too many messages']);
    expect(closes).toEqual([1008]);
    webSocket.says('ping');
    expect(methods).toHaveLength(5);
  });

  it('is lost when it shows no sign of life twice as long as the interval', () => {
    const { clock, webSocket, socket, closes, reader } = open({ pingIntervalMs: 1000 });
    socket.read(reader);
    clock.advance(1000);
    webSocket.emit('pong');
    clock.advance(1000);
    webSocket.says('ping');
    clock.advance(1000);
    expect([webSocket.pings, closes]).toEqual([3, []]);
    clock.advance(1000);
    expect([webSocket.isTerminated, closes]).toEqual([true, [1006]]);
    expect(clock.pending).toBe(0);
    webSocket.emit('close', 1006);
    expect(closes).toEqual([1006]);
  });

  it('is cut off when it reads nothing', () => {
    const { webSocket, socket } = open({ maxUnsentBytes: 10 });
    webSocket.bufferedAmount = 11;
    socket.send('x');
    expect(webSocket.isTerminated).toBe(true);
  });

  it('tells the far end’s closing once, also where it came before the reader', () => {
    const { webSocket, socket, closes, reader } = open();
    webSocket.emit('close', 1001);
    socket.read(reader);
    webSocket.emit('close', 1001);
    expect(closes).toEqual([1001]);
    socket.send('x');
    socket.close(1000, 'late');
    expect([webSocket.sent, webSocket.closedWith]).toEqual([[], null]);
  });

  it('says nothing more to a reader that closed it, in the middle of what came before', () => {
    const { clock, webSocket, socket, closes, reader } = open();
    const read: string[] = [];
    webSocket.says('leave');
    webSocket.says('ping');
    socket.read({
      ...reader,
      onMessage: ({ kind }) => {
        read.push(kind);
        socket.close(1000, 'left');
      },
    });
    webSocket.emit('close', 1000);
    expect([read, closes]).toEqual([['notification'], []]);
    expect(clock.pending).toBe(0);
  });
});
