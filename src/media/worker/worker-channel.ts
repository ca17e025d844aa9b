import type { WorkerMessage, WorkerRequest } from './protocol.js';

/** The worker's end of the IPC channel. A seam, so that the worker can be run without a process around it. */
export interface WorkerChannel {
  send(message: WorkerMessage): void;
  onRequest(listener: (request: WorkerRequest) => void): void;
}

/** The channel that `child_process.fork` opened. What is sent after the parent is gone is dropped. */
export function processChannel(): WorkerChannel {
  return {
    send: (message) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
    },
    onRequest: (listener) => {
      process.on('message', (message) => listener(message as WorkerRequest));
    },
  };
}
