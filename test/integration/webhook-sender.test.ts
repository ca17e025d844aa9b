/** One message to real receivers: where it may go, what comes back, and how long it may take. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import { AddressPolicy, type AddressPolicyOptions } from '../../src/events/address-policy.js';
import { NameLookUps, type ResolvedAddress } from '../../src/events/name-look-ups.js';
import { WebhookSender, type SendResult } from '../../src/events/webhook-sender.js';
import { waitFor } from '../support/wait-for.js';
import { WebhookReceiver, type Behaviour } from '../support/webhook-receiver.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startReceiver(behaviour?: Behaviour): Promise<WebhookReceiver> {
  const receiver = await WebhookReceiver.start(behaviour);
  closers.push(() => receiver.close());
  return receiver;
}

/** Speaks TCP as a test wants it to. */
async function startRaw(onConnection: (write: (text: string) => void) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', () => undefined);
    onConnection((text) => socket.write(text));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

interface SenderChanges extends AddressPolicyOptions {
  readonly timeoutMs?: number;
  readonly resolve?: (hostname: string) => Promise<readonly ResolvedAddress[]>;
}

function createSender({ timeoutMs = 10_000, resolve, ...policy }: SenderChanges = {}): WebhookSender {
  const sender = new WebhookSender({
    policy: new AddressPolicy(policy),
    clock: systemClock,
    timeoutMs,
    lookUps: new NameLookUps(2, resolve),
  });
  closers.push(() => sender.close());
  return sender;
}

const send = (sender: WebhookSender, url: string): Promise<SendResult> =>
  sender.send({
    url,
    headers: { 'landbridge-event-id': 'e1', 'landbridge-delivery-attempt': '1' },
    body: '{}',
  });

const loopback: ResolvedAddress = { address: '127.0.0.1', family: 4 };
const local = { allowedNetworks: ['127.0.0.1'] };
const notAllowed = { isDelivered: false, failure: 'address-not-allowed' };

describe('A message', () => {
  it.each([
    ['localhost', [loopback]],
    ['metadata.internal', [{ address: '169.254.169.254', family: 4 }]],
    ['intranet.example', [{ address: '10.0.0.5', family: 4 }]],
    ['mapped.example', [{ address: '::ffff:127.0.0.1', family: 6 }]],
    ['six.example', [{ address: '::1', family: 6 }]],
    ['unique-local.example', [{ address: 'fd00::1', family: 6 }]],
    ['zone.example', [{ address: 'fe80::1%lo', family: 6 }]],
    ['both.example', [loopback, { address: '::1', family: 6 }]],
  ])('to %s, a name that leads to private addresses, goes nowhere', async (name, addresses) => {
    const receiver = await startReceiver();
    const sender = createSender({ resolve: () => Promise.resolve(addresses) });
    expect(await send(sender, `http://${name}:${receiver.port}/`)).toEqual(notAllowed);
    expect(receiver.received).toEqual([]);
  });

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '[::ffff:127.0.0.1]', '[::1]'])(
    'to the private address http://%s goes nowhere, and no resolver is asked',
    async (host) => {
      const receiver = await startReceiver();
      const sender = createSender({ resolve: () => Promise.reject(new Error('asked')) });
      expect(await send(sender, `http://${host}:${receiver.port}/`)).toEqual(notAllowed);
      expect(receiver.received).toEqual([]);
    },
  );

  it('goes to the very address that was checked, though the name changes in between', async () => {
    const receiver = await startReceiver();
    const answers = [[loopback], [{ address: '10.0.0.5', family: 4 }]];
    const sender = createSender({ ...local, resolve: () => Promise.resolve(answers.shift() ?? []) });
    expect(await send(sender, `http://rebinding.example:${receiver.port}/x`)).toMatchObject({
      isDelivered: true,
    });
    expect(receiver.received).toHaveLength(1);
    expect(receiver.received[0]?.headers.host).toBe(`rebinding.example:${receiver.port}`);
    expect(answers).toHaveLength(1);
    // The name now leads elsewhere, and the kept connection does not hide that.
    expect(await send(sender, `http://rebinding.example:${receiver.port}/x`)).toEqual(notAllowed);
  });

  it('goes to the public one of several addresses only', async () => {
    const receiver = await startReceiver();
    const sender = createSender({
      ...local,
      resolve: () => Promise.resolve([{ address: '10.0.0.5', family: 4 }, loopback]),
    });
    expect(await send(sender, `http://mixed.example:${receiver.port}/`)).toMatchObject({ isDelivered: true });
  });

  it('to a name that does not exist, or with a resolver that hangs, fails in time', async () => {
    const unknown = createSender({ resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    expect(await send(unknown, 'http://nowhere.example/')).toEqual({
      isDelivered: false,
      failure: 'name-not-found',
    });
    const hanging = createSender({ timeoutMs: 50, resolve: () => new Promise(() => undefined) });
    expect(await send(hanging, 'http://slow.example/')).toEqual({ isDelivered: false, failure: 'timeout' });
  });

  it('does not follow a redirect', async () => {
    const victim = await startReceiver();
    const receiver = await startReceiver({ redirect: victim.url });
    expect(await send(createSender(local), receiver.url)).toEqual({
      isDelivered: false,
      failure: 'status',
      status: 307,
    });
    expect(victim.received).toEqual([]);
  });

  it.each<[string, Behaviour, object]>([
    ['204', 204, { isDelivered: true, status: 204 }],
    ['500', 500, { isDelivered: false, failure: 'status', status: 500 }],
    ['no answer', 'hang', { isDelivered: false, failure: 'timeout' }],
    ['a reset', 'reset', { isDelivered: false, failure: 'connection' }],
  ])('that gets %s says so', async (_, behaviour, expected) => {
    const receiver = await startReceiver(behaviour);
    // Who answers has all the time that a busy machine needs.
    const timeoutMs = behaviour === 'hang' ? 200 : 10_000;
    expect(await send(createSender({ ...local, timeoutMs }), receiver.url)).toMatchObject(expected);
  });

  it('to a port where nobody listens fails', async () => {
    const receiver = await startReceiver();
    await receiver.die();
    expect(await send(createSender(local), receiver.url)).toEqual({
      isDelivered: false,
      failure: 'connection',
    });
  });

  it.each([
    ['nonsense', 'SSH-2.0-hello\r\n', 'connection'],
    ['a head without end', 'HTTP/1.1 200 OK\r\nx: y\r\n', 'timeout'],
    ['one header of a megabyte', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_000_000)}\r\n\r\n`, 'connection'],
  ])('that is answered with %s fails', async (_, text, failure) => {
    const url = await startRaw((write) => write(text));
    const timeoutMs = failure === 'timeout' ? 300 : 10_000;
    expect(await send(createSender({ ...local, timeoutMs }), url)).toEqual({
      isDelivered: false,
      failure,
    });
  });

  it('is delivered where the answer has a body without end, which is cut off', async () => {
    let closed = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('close', () => (closed += 1));
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
        const pour = () => {
          while (!socket.destroyed && socket.write(chunk));
        };
        socket.on('drain', pour);
        pour();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect(await send(createSender(local), url)).toMatchObject({ isDelivered: true, status: 200 });
    await waitFor('it is cut off', () => closed === 1);
  });

  it('uses a kept connection again, and a new one where the receiver closed it meanwhile', async () => {
    const receiver = await startReceiver();
    const sender = createSender(local);
    for (let i = 0; i < 3; i += 1)
      expect(await send(sender, receiver.url)).toMatchObject({ isDelivered: true });
    await receiver.die();
    await receiver.listen();
    expect(await send(sender, receiver.url)).toMatchObject({ isDelivered: true });
    expect(receiver.received).toHaveLength(4);
  });

  it('on its way is ended when the sender closes, and nothing is sent afterwards', async () => {
    const receiver = await startReceiver('hang');
    const sender = createSender({ ...local, timeoutMs: 60_000 });
    const result = send(sender, receiver.url);
    await receiver.waitFor('it arrived', ({ received }) => received.length === 1);
    sender.close();
    expect(await result).toMatchObject({ isDelivered: false });
    expect(await send(sender, receiver.url)).toMatchObject({ isDelivered: false });
    expect(receiver.received).toHaveLength(1);
  });
});
