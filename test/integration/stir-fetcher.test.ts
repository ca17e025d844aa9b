/** Certificates of signers, from servers that strangers name: whatever these do, it costs little and ends. */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import { AddressPolicy } from '../../src/events/address-policy.js';
import { CertificateFetcher, type CertificateFetcherOptions } from '../../src/stir/certificate-fetcher.js';
import { TestAuthority } from '../support/certificates.js';

const maxBytes = 32_768;

let authority: TestAuthority;
let server: Server;
let port: number;
let handle: (request: IncomingMessage, response: ServerResponse) => void;
let requests = 0;
const open: CertificateFetcher[] = [];
const sockets = new Set<Duplex>();

beforeAll(async () => {
  authority = await TestAuthority.open();
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ['127.0.0.1'] });
  server = createServer({ cert, key }, (request, response) => {
    requests += 1;
    handle(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  port = await listen(server);
});

afterEach(() => {
  for (const fetcher of open.splice(0)) fetcher.close();
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  await authority.remove();
});

async function listen(one: TcpServer | Server): Promise<number> {
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  return (one.address() as AddressInfo).port;
}

function fetcher(options: Partial<CertificateFetcherOptions> = {}): CertificateFetcher {
  const policy = new AddressPolicy({ allowedNetworks: ['127.0.0.1'] });
  const one = new CertificateFetcher({
    allowsAddress: (address) => policy.allows(address),
    ...{
      timeoutMs: 20_000,
      maxBytes,
      clock: systemClock,
      userAgent: 'test',
      serverCa: [authority.certPem],
      ...options,
    },
  });
  open.push(one);
  return one;
}

const url = (path = '/a.pem') => new URL(`https://127.0.0.1:${String(port)}${path}`);

describe('A signer’s certificate', () => {
  it('is fetched over HTTPS, with how long it may be kept', async () => {
    handle = (request, response) => {
      expect(request.headers['accept-encoding']).toBe('identity');
      expect(request.headers.cookie).toBeUndefined();
      response.setHeader('Cache-Control', 'max-age=60').end('the text');
    };
    expect(await fetcher().fetch(url())).toEqual({ text: 'the text', maxAgeMs: 60_000 });
  });

  it('is not believed of a server whose own certificate is nobody’s', async () => {
    handle = (_request, response) => response.end('the text');
    const before = requests;
    expect(await fetcher({ serverCa: [] }).fetch(url())).toBeNull();
    expect(requests).toBe(before);
  });

  it.each<readonly [string, (response: ServerResponse) => void]>([
    ['an error', (response) => response.writeHead(404).end('no')],
    ['a redirect', (response) => response.writeHead(302, { location: url('/b.pem').href }).end()],
    [
      'more than it may, as it says',
      (response) => response.writeHead(200, { 'content-length': '10000000000' }).write('x'),
    ],
    [
      'more than it may, in pieces',
      (response) => {
        const write = (): void => {
          while (!response.destroyed)
            if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', write);
        };
        write();
      },
    ],
    [
      'something packed',
      (response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000))),
    ],
    [
      'headers without end',
      (response) => {
        response.socket?.write(
          `HTTP/1.1 200 OK\r\n${'X-Header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(5000)}\r\nx`,
        );
      },
    ],
    ['no HTTP', (response) => response.socket?.end('\0\0\0\0')],
    [
      'half an answer',
      (response) => {
        response.writeHead(200, { 'content-length': '100' }).write('half');
        setImmediate(() => response.socket?.destroy());
      },
    ],
  ])('is not had where the server sends %s', async (_what, answer) => {
    handle = (_request, response) => answer(response);
    const before = requests;
    expect(await fetcher().fetch(url())).toBeNull();
    expect(requests).toBe(before + 1);
  });

  it('is given up in time where the server is silent, or sends octet by octet', async () => {
    handle = (_request, response) => void response;
    expect(await fetcher({ timeoutMs: 500 }).fetch(url())).toBeNull();
    handle = (_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 20);
      response.once('close', () => clearInterval(timer));
    };
    expect(await fetcher({ timeoutMs: 500 }).fetch(url())).toBeNull();
  });

  it('is given up in time where nobody speaks TLS', async () => {
    const silent = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    const silentPort = await listen(silent);
    expect(
      await fetcher({ timeoutMs: 500 }).fetch(new URL(`https://127.0.0.1:${String(silentPort)}/`)),
    ).toBeNull();
    silent.close();
  });

  it('is asked for of no private address, by whatever name', async () => {
    handle = (_request, response) => response.end('secret');
    const asked: string[] = [];
    const policy = new AddressPolicy();
    const guarded = fetcher({
      allowsAddress(address) {
        asked.push(address);
        return policy.allows(address);
      },
    });
    const before = requests;
    const hosts = [
      '127.0.0.1',
      '169.254.169.254',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '10.0.0.1',
      '2130706433',
      '0x7f.1',
      '0',
    ];
    for (const host of hosts)
      expect(await guarded.fetch(new URL(`https://${host}:${String(port)}/`))).toBeNull();
    // What stands for an address in another way is an address once the URL is read.
    expect(asked).toHaveLength(hosts.length);
    expect(requests).toBe(before);
  });

  it('is no longer waited for once the fetcher is closed', async () => {
    handle = (_request, response) => void response;
    const one = fetcher();
    const fetching = one.fetch(url());
    one.close();
    one.close();
    expect(await fetching).toBeNull();
    expect(await one.fetch(url())).toBeNull();
  });
});
