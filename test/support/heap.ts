/** What something that is kept costs in memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** How many bytes more are in use after `keep` than before it, without what nobody refers to any more. */
export async function keptBytes(keep: () => void | Promise<void>): Promise<number> {
  collect();
  const before = process.memoryUsage().heapUsed;
  await keep();
  collect();
  return process.memoryUsage().heapUsed - before;
}

/** A field that is cut out of a message of 60 kB, as parsers cut it. */
export function cutOut(field: string): string {
  const message = Buffer.from(`INVITE: ${field}\r\n${'x'.repeat(60_000)}`).toString();
  return message.slice(8, 8 + field.length);
}

/** A tenth of what a thousand such messages are. */
export const littleBytes = 6_000_000;
