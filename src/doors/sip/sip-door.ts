/** The SIP door: connects drachtio-srf to a SIP server and turns every new INVITE into a call. */
import type { Clock } from '../../domain/clock.js';
import type { LegRegistry } from '../../domain/leg-registry.js';
import type { Logger } from '../../domain/logger.js';
import type { RefusalCode } from '../../domain/refusal.js';
import { SipCall, type SipCallSettings } from './sip-call.js';
import { newSrf, type Srf } from './srf.js';

export interface SipDoorOptions {
  /** drachtio's admin port, of the embedded server or of a drachtio-server. */
  readonly server: { readonly host: string; readonly port: number; readonly secret: string };
  readonly registry: LegRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: SipCallSettings;
  readonly onRefused: (code: RefusalCode) => void;
}

export class SipDoor {
  readonly #options: SipDoorOptions;
  readonly #srf: Srf;
  readonly #calls = new Set<SipCall>();
  #connected = false;
  #closed = false;

  private constructor(options: SipDoorOptions) {
    this.#options = options;
    this.#srf = newSrf();
    this.#srf.invite((request, response) => {
      const call = new SipCall({
        srf: this.#srf,
        request,
        response,
        registry: options.registry,
        clock: options.clock,
        logger: options.logger,
        settings: options.settings,
        onRefused: options.onRefused,
        onClosed: (closed) => this.#calls.delete(closed),
      });
      this.#calls.add(call);
      void call.run();
    });
  }

  /** Resolves when the SIP server has accepted us; rejects where it refuses the secret. */
  static open(options: SipDoorOptions): Promise<SipDoor> {
    const door = new SipDoor(options);
    return door.#connect().then(() => door);
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  get callCount(): number {
    return this.#calls.size;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connected = false;
    this.#srf.disconnect();
  }

  #connect(): Promise<void> {
    const { server, logger } = this.#options;
    return new Promise((resolve, reject) => {
      this.#srf.on('connect', (error: Error | null | undefined) => {
        if (error) {
          logger.error({ err: error }, 'the SIP server refused us');
          reject(error);
          return;
        }
        this.#connected = true;
        resolve();
      });
      // Without a listener an `error` ends the process; srf reconnects by itself.
      this.#srf.on('error', (error: Error) => {
        if (!this.#closed) logger.warn({ err: error }, 'connection to the SIP server failed');
      });
      this.#srf.on('close', () => this.#lost());
      this.#srf.connect(server);
    });
  }

  /** Dialogs hear nothing of it: drachtio-srf leaves them to us. */
  #lost(): void {
    const wasConnected = this.#connected;
    this.#connected = false;
    if (this.#closed || !wasConnected) return;
    this.#options.logger.error({ calls: this.#calls.size }, 'connection to the SIP server lost');
    for (const call of [...this.#calls]) call.connectionLost();
  }
}
