/** A drachtio-srf application on a SIP server of this process. */
import { newSrf, stopSrf, type Srf } from './srf.js';

export interface ConnectedSrf {
  /** drachtio-srf, for libraries that stand on it. It takes no requests. */
  readonly srf: Srf;
  /** Also while it tries to reconnect. */
  disconnect(): void;
}

/** drachtio-srf waits longer after each attempt that fails, without an end of its own. */
const longestRetryMs = 1000;

/** Connects drachtio-srf to a SIP server of this process. Rejects where that refuses. */
export function connectSrf(server: {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}): Promise<ConnectedSrf> {
  const srf = newSrf();
  return new Promise((resolve, reject) => {
    srf.on('connect', (error: Error | null | undefined) => {
      if (error) reject(error);
      else resolve({ srf, disconnect: () => stopSrf(srf) });
    });
    // Without a listener it ends the process.
    srf.on('error', reject);
    srf.connect({ ...server, reconnect: { retryMaxDelay: longestRetryMs } });
  });
}
