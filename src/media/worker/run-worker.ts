/** The life of a media worker process: from its start to its last words. */
import { type CreateRuntime, MediaWorker } from './media-worker.js';
import { processChannel } from './worker-channel.js';

/** How long a dying worker waits for its last words to be read. */
const lastWordsMs = 200;
/** EX_SOFTWARE of sysexits.h. */
const exitFault = 70;

/**
 * Makes this process a media worker until its parent lets go of it: it ends when the IPC channel closes, whatever closed
 * it, so that it never outlives the gateway. Signals to the process group are for the gateway to act on.
 */
export function runWorker(createRuntime: CreateRuntime): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.once('disconnect', () => process.exit(0));
  if (!process.connected) process.exit(0);
  const channel = processChannel();
  const die = (error: unknown): void => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    channel.send({ event: 'fatal', detail });
    setTimeout(() => process.exit(exitFault), lastWordsMs);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  new MediaWorker({ channel, createRuntime });
}
