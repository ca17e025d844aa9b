/** Flows: the ways by which messages come from peers and go to them. */
import type { X509Certificate } from 'node:crypto';

export type TransportProtocol = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** What holds a way over UDP open through NATs (RFC 5626 §4.4.2). Each rejects where nothing can be sent. */
export interface DatagramPings {
  /** Line breaks, which nobody answers. */
  sendBreaks(): Promise<void>;
  /** Asks by STUN as whom the peer sees us: another text for another address or port, empty where it names none. Null: no answer. */
  ask(): Promise<string | null>;
}

/** It cannot be dialled: whoever is at its other end is reached by it alone (RFC 7118 §5). */
export function isWebSocket({ protocol }: Pick<Flow, 'protocol'>): boolean {
  return protocol === 'ws' || protocol === 'wss';
}

/** A way to one peer and back: a pair of UDP addresses, or one connection over TCP, TLS or a WebSocket. */
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
  /** The peer’s, over TLS, where it showed one that a trusted CA vouches for. */
  readonly peerCertificate?: X509Certificate | null;
  /** Over UDP. */
  readonly pings?: DatagramPings;
  /** Pings the peer this often at least; there where we opened the connection. */
  keepAliveWithin?(ms: number): void;
  /** Sends one whole message; rejects when the connection is gone. */
  send(bytes: Buffer): Promise<void>;
  close(): void;
}
