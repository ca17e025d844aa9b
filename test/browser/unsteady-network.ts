/**
 * The way between a page and the gateway, under the test's command: a WebSocket that breaks or falls silent, and a path
 * of the media that carries nothing any more. The page gets candidates that lead here.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

interface Pair {
  readonly page: WebSocket;
  readonly gateway: WebSocket;
  isSilent: boolean;
}

interface Path {
  readonly toPage: Socket;
  readonly toGateway: Socket;
  isCut: boolean;
}

export class UnsteadyNetwork {
  /** First lines of all that was sent, with the direction. */
  readonly sent: { readonly from: 'page' | 'gateway'; readonly startLine: string }[] = [];
  readonly #server: WebSocketServer;
  #gatewayUrl: string;
  readonly #pairs = new Set<Pair>();
  /** By address and port of the gateway's. */
  readonly #paths = new Map<string, Promise<Path>>();
  #isDown = false;

  private constructor(server: WebSocketServer, gatewayUrl: string) {
    this.#server = server;
    this.#gatewayUrl = gatewayUrl;
    server.on('connection', (page) => this.#connect(page));
  }

  static async open(gatewayOrigin: string): Promise<UnsteadyNetwork> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/sip' });
    await once(server, 'listening');
    return new UnsteadyNetwork(server, socketUrl(gatewayOrigin));
  }

  /** The same name, another gateway behind it. */
  leadTo(gatewayOrigin: string): void {
    this.#gatewayUrl = socketUrl(gatewayOrigin);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/sip`;
  }

  /** WebSockets opened by pages so far that are still there. */
  get connections(): number {
    return this.#pairs.size;
  }

  count(from: 'page' | 'gateway', method: string): number {
    return this.sent.filter((one) => one.from === from && one.startLine.startsWith(`${method} `)).length;
  }

  /** Every WebSocket breaks; others are refused until `comeBack`. */
  goDown(): void {
    this.#isDown = true;
    this.breakSockets();
  }

  comeBack(): void {
    this.#isDown = false;
  }

  breakSockets(): void {
    for (const { page, gateway } of this.#pairs) {
      page.terminate();
      gateway.terminate();
    }
  }

  /** The WebSockets of now stay open at both ends and carry nothing any more: the page has another network. */
  silenceSockets(): void {
    for (const pair of this.#pairs) pair.isSilent = true;
  }

  /** The paths of now carry nothing any more; those that are found later do. */
  async cutMedia(): Promise<void> {
    for (const path of await Promise.all(this.#paths.values())) path.isCut = true;
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.breakSockets();
    this.#server.close();
    for (const { toPage, toGateway } of await Promise.all(this.#paths.values())) {
      toPage.close();
      toGateway.close();
    }
  }

  #connect(page: WebSocket): void {
    if (this.#isDown) {
      page.terminate();
      return;
    }
    const gateway = new WebSocket(this.#gatewayUrl, 'sip');
    const pair: Pair = { page, gateway, isSilent: false };
    this.#pairs.add(pair);
    // Where the gateway refuses, both ends are closed.
    const opened = once(gateway, 'open').then(
      () => true,
      () => false,
    );
    page.on('message', (data: Buffer) => {
      void opened.then((isOpen) => {
        if (isOpen && !pair.isSilent) this.#pass('page', data.toString(), gateway);
      });
    });
    // One after the other: a path is made before its description goes on.
    let tail: Promise<unknown> = Promise.resolve();
    gateway.on('message', (data: Buffer) => {
      tail = tail.then(async () => {
        const text = await this.#throughHere(data.toString());
        if (!pair.isSilent) this.#pass('gateway', text, page);
      });
    });
    const end = (): void => {
      this.#pairs.delete(pair);
      // A side that fell silent does not learn of the other's end.
      if (pair.isSilent) return;
      page.terminate();
      gateway.terminate();
    };
    for (const socket of [page, gateway]) {
      socket.on('close', end);
      socket.on('error', () => undefined);
    }
  }

  #pass(from: 'page' | 'gateway', text: string, to: WebSocket): void {
    if (text.trim() !== '') this.sent.push({ from, startLine: text.slice(0, text.indexOf('\r\n')) });
    if (to.readyState === WebSocket.OPEN) to.send(text);
  }

  /** The gateway's candidates lead here. */
  async #throughHere(message: string): Promise<string> {
    const end = message.indexOf('\r\n\r\n') + 4;
    let body = message.slice(end);
    const candidates = body.matchAll(/^a=candidate:\S+ \d+ udp \d+ (\S+) (\d+)/gim);
    for (const [line, address = '', port = ''] of candidates) {
      const { toPage } = await this.#pathTo(address, Number(port));
      const here = String(toPage.address().port);
      body = body.replace(line, line.slice(0, -port.length) + here);
    }
    const head = message.slice(0, end);
    return head.replace(/^(content-length: *)\d+/im, (_, name) => `${name}${Buffer.byteLength(body)}`) + body;
  }

  #pathTo(address: string, port: number): Promise<Path> {
    const key = `${address} ${port}`;
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    const path = openPath(address, port);
    this.#paths.set(key, path);
    return path;
  }
}

function socketUrl(gatewayOrigin: string): string {
  return `${gatewayOrigin.replace(/^http/, 'ws')}/sip`;
}

async function openPath(address: string, port: number): Promise<Path> {
  const type = address.includes(':') ? 'udp6' : 'udp4';
  const path: Path = { toPage: createSocket(type), toGateway: createSocket(type), isCut: false };
  let pagePort = 0;
  let pageAddress = '';
  path.toPage.on('message', (packet, from) => {
    ({ port: pagePort, address: pageAddress } = from);
    if (!path.isCut) path.toGateway.send(packet, port, address);
  });
  path.toGateway.on('message', (packet) => {
    if (!path.isCut && pagePort !== 0) path.toPage.send(packet, pagePort, pageAddress);
  });
  for (const socket of [path.toPage, path.toGateway]) {
    socket.on('error', () => undefined);
    socket.bind(0, address);
    await once(socket, 'listening');
  }
  return path;
}
