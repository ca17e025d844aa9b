/** The sending end of links between media workers. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { StreamRegistry } from '../stream-registry.js';
import { ExportedStream, type LinkCounters } from './exported-stream.js';
import { linkListenOptions, type LinkAddress } from './link-address.js';
import { type LinkFrame, LinkFrameReader } from './link-frame.js';
import { LinkWriter } from './link-writer.js';

export interface LinkServerOptions {
  readonly registry: StreamRegistry;
  readonly secret: string;
  readonly counters: LinkCounters;
  /** Unsent bytes per link above which media is dropped. Default 512 kB: half a second of 100 streams. */
  readonly maxQueuedBytes?: number;
  /** Streams one worker may follow here. Default 20000. */
  readonly maxStreams?: number;
  /** Who has not shown the secret by then is hung up on: other workers do so with their first bytes. Default 5000. */
  readonly helloTimeoutMs?: number;
}

/** Lets other workers follow the streams of this one. */
export class LinkServer {
  readonly #options: LinkServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<LinkAddress> {
    const options = linkListenOptions();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(options, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    // A failure to accept one connection is that connection's; the other side tries again.
    this.#server.on('error', () => undefined);
    const address = this.#server.address();
    return options.path !== undefined || address === null || typeof address === 'string'
      ? { path: options.path ?? '' }
      : { host: address.address, port: address.port };
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const connection: Connection = new Connection(socket, this.#options, () =>
      this.#connections.delete(connection),
    );
    this.#connections.add(connection);
  }
}

/** One other worker. */
class Connection {
  readonly #options: LinkServerOptions;
  readonly #socket: Socket;
  readonly #writer: LinkWriter;
  readonly #reader = new LinkFrameReader();
  readonly #streams = new Map<number, ExportedStream>();
  readonly #onClosed: () => void;
  readonly #helloTimer: NodeJS.Timeout;
  #isTrusted = false;
  #closed = false;

  constructor(socket: Socket, options: LinkServerOptions, onClosed: () => void) {
    this.#options = options;
    this.#socket = socket;
    this.#writer = new LinkWriter(socket, options.maxQueuedBytes ?? 512 * 1024);
    this.#onClosed = onClosed;
    this.#helloTimer = setTimeout(() => this.close(), options.helloTimeoutMs ?? 5_000);
    socket.setNoDelay(true);
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
    socket.on('data', (chunk) => {
      if (!this.#reader.push(chunk, (frame) => this.#onFrame(frame))) this.close();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#helloTimer);
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
    this.#writer.close();
    this.#socket.destroy();
    this.#onClosed();
  }

  #onFrame({ type, channel, kind, generation, body }: LinkFrame): void {
    if (this.#closed) return;
    if (!this.#isTrusted) {
      const secret = Buffer.from(this.#options.secret);
      this.#isTrusted = type === 'hello' && body.length === secret.length && timingSafeEqual(body, secret);
      if (this.#isTrusted) clearTimeout(this.#helloTimer);
      else this.close();
      return;
    }
    const stream = this.#streams.get(channel);
    switch (type) {
      case 'subscribe':
        if (stream === undefined && this.#streams.size < (this.#options.maxStreams ?? 20_000)) {
          const { registry, counters } = this.#options;
          this.#streams.set(
            channel,
            new ExportedStream({
              streamId: body.toString(),
              channel,
              registry,
              writer: this.#writer,
              counters,
            }),
          );
        }
        return;
      case 'unsubscribe':
        stream?.close();
        this.#streams.delete(channel);
        return;
      case 'attach':
        return stream?.attach(kind, generation);
      case 'detach':
        return stream?.detach(kind, generation);
      case 'key-frame':
        return stream?.requestKeyFrame(kind, generation);
      case 'hello':
      case 'description':
      case 'packet':
        return this.close();
    }
  }
}
