/** A way back to one peer: a UDP address pair, or one TCP or WebSocket connection. */
export type TransportProtocol = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

export interface Flow {
  /** Unique while the process lives. */
  readonly id: string;
  readonly protocol: TransportProtocol;
  /** True where the transport itself retransmits; timers A, E, G, I, J, K follow it (RFC 3261 §17). */
  readonly reliable: boolean;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Which of several listeners it came by, or was opened by, from 0; absent: none of them. */
  readonly listener?: number | undefined;
  readonly isOpen: boolean;
  /** Sends one whole message; rejects when the connection is gone. */
  send(bytes: Buffer): Promise<void>;
  close(): void;
}
