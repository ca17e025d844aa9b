/**
 * Ports for audio that no other test on this machine has meanwhile, in whichever process: a TCP port held open at the head of
 * each hundred marks them as taken, and is free again when its process ends, however it ends.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

export interface RtpPorts {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

/** Below the ports that Linux gives to sockets that ask for any: a test's own would be among them. */
const lowest = 10_000;
const highest = 32_699;
const blockSize = 100;
const blocks = Math.floor((highest + 1 - lowest) / blockSize);

const portOf = (block: number): number => lowest + block * blockSize;

/** How many spans a process keeps that were given back: others’ need them, where several runs share the machine. */
const mostRested = 2;

/** The spans that were given back, to be taken again. */
const rested: RtpPorts[] = [];
/** What marks a span as taken, by its first port. */
const marksOf = new Map<number, readonly Server[]>();

/** Taken for as long as this process runs, or until it is given back. `count`: in whole hundreds. */
export async function takeRtpPorts(count = 400): Promise<RtpPorts> {
  const again = rested.findIndex(({ from, to }) => to - from + 1 === count);
  if (again !== -1) return rested.splice(again, 1)[0]!;
  const wanted = count / blockSize;
  // At whole multiples, so that spans of one size leave no gaps that none fits into.
  const places = Math.floor(blocks / wanted);
  const start = Math.floor(Math.random() * places);
  for (let n = 0; n < places; n += 1) {
    const first = ((start + n) % places) * wanted;
    const marks = await mark(first, wanted);
    if (marks === null) continue;
    marksOf.set(portOf(first), marks);
    return { from: portOf(first), to: portOf(first) + count - 1 };
  }
  throw new Error(`no ${count} ports in a row are free of other tests`);
}

/** Whoever takes as many again may have them. */
export function giveBackRtpPorts(ports: RtpPorts): void {
  rested.push(ports);
  const dropped = rested.length > mostRested ? rested.shift() : undefined;
  if (dropped === undefined) return;
  for (const one of marksOf.get(dropped.from) ?? []) one.close();
  marksOf.delete(dropped.from);
}

/** As the setting has them. */
export function inWords({ from, to }: RtpPorts): string {
  return `${from}-${to}`;
}

/** Null where one of the hundreds is somebody else’s. */
async function mark(first: number, wanted: number): Promise<readonly Server[] | null> {
  const marks: Server[] = [];
  for (let block = first; block < first + wanted; block += 1) {
    const server = createServer().unref();
    try {
      server.listen(portOf(block), '127.0.0.1');
      await once(server, 'listening');
      marks.push(server);
    } catch {
      for (const one of marks) one.close();
      return null;
    }
  }
  return marks;
}
