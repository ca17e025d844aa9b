/** An authoritative DNS server on a loopback address, which knows what a test writes down (RFC 1035, 2782, 3403). */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const types: Readonly<Record<string, number>> = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 };
const internetClass = 1;

export interface SrvLine {
  readonly priority?: number;
  readonly weight?: number;
  readonly port: number;
  readonly target: string;
}

export interface NaptrLine {
  readonly order?: number;
  readonly preference?: number;
  readonly service: string;
  readonly replacement: string;
}

export class DnsServer {
  /** `SRV _sip._udp.example.com`, in the order asked. */
  readonly asked: string[] = [];
  /** Nothing is answered. */
  isSilent = false;
  readonly #socket: Socket;
  readonly #records = new Map<string, Buffer[]>();
  readonly #names = new Set<string>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (query, { port, address }) => {
      const answer = this.#answer(query);
      if (!this.isSilent) socket.send(answer, port, address);
    });
  }

  static async open(): Promise<DnsServer> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket);
  }

  /** As `dns.Resolver.setServers` wants it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  a(name: string, ...addresses: string[]): this {
    return this.#add(
      'A',
      name,
      addresses.map((address) => Buffer.from(address.split('.').map(Number))),
    );
  }

  srv(name: string, ...lines: SrvLine[]): this {
    return this.#add(
      'SRV',
      name,
      lines.map(({ priority = 1, weight = 1, port, target }) =>
        Buffer.concat([numbers(priority, weight, port), nameBytes(target)]),
      ),
    );
  }

  naptr(name: string, ...lines: NaptrLine[]): this {
    return this.#add(
      'NAPTR',
      name,
      lines.map(({ order = 1, preference = 1, service, replacement }) =>
        Buffer.concat([
          numbers(order, preference),
          text('s'),
          text(service),
          text(''),
          nameBytes(replacement),
        ]),
      ),
    );
  }

  close(): void {
    this.#socket.close();
  }

  #add(kind: string, name: string, data: Buffer[]): this {
    this.#records.set(`${kind} ${name}`, data);
    this.#names.add(name);
    return this;
  }

  #answer(query: Buffer): Buffer {
    const { name, end } = readName(query, 12);
    const type = query.readUInt16BE(end);
    const kind = Object.entries(types).find(([, number]) => number === type)?.[0] ?? String(type);
    this.asked.push(`${kind} ${name}`);
    const records = this.#records.get(`${kind} ${name}`) ?? [];
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    // A response with authority; 3: there is no such name.
    head.writeUInt16BE(0x8580 | (this.#names.has(name) ? 0 : 3), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    const answers = records.map((data) => {
      const fixed = Buffer.alloc(12);
      // The name of the question, which stands at 12.
      fixed.writeUInt16BE(0xc00c, 0);
      fixed.writeUInt16BE(type, 2);
      fixed.writeUInt16BE(internetClass, 4);
      fixed.writeUInt32BE(60, 6);
      fixed.writeUInt16BE(data.length, 10);
      return Buffer.concat([fixed, data]);
    });
    return Buffer.concat([head, query.subarray(12, end + 4), ...answers]);
  }
}

function readName(bytes: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function nameBytes(name: string): Buffer {
  const labels = name === '.' ? [] : name.split('.');
  return Buffer.concat([...labels.map(text), Buffer.of(0)]);
}

/** A character string of RFC 1035 §3.3: its length, and it. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')]);
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => bytes.writeUInt16BE(value, 2 * index));
  return bytes;
}
