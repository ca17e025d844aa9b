/** How a media worker hears from the gateway and tells it something. */
import { MessageBatch } from './message-batch.js';
import type { WorkerMessage, WorkerRequest } from './protocol.js';

/** The worker's end of the IPC channel. A seam, so that the worker can be run without a process around it. */
export interface WorkerChannel {
  send(message: WorkerMessage): void;
  onRequest(listener: (request: WorkerRequest) => void): void;
}

/** The channel that `child_process.fork` opened: batches both ways. What is sent after the parent is gone is dropped. */
export function processChannel(): WorkerChannel {
  const batch = new MessageBatch<WorkerMessage>((messages) => {
    if (process.connected) process.send?.(messages, undefined, undefined, () => undefined);
  });
  return {
    send: (message) => batch.add(message),
    onRequest: (listener) => {
      process.on('message', (requests) => (requests as WorkerRequest[]).forEach(listener));
    },
  };
}
