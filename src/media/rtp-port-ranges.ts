/** Ports for media: a range, and its parts for several workers. */

export interface PortRange {
  /** Both ends included. */
  readonly from: number;
  readonly to: number;
}

/** A phone leg takes a pair of ports, and pairs begin at an even one (RFC 3550 §11). */
const smallestShare = 4;

/** The ports of browsers, as the operator sets them. */
export interface BrowserPorts {
  /** Absent: a part of those for phones. */
  readonly ports?: PortRange;
  /** The first worker's; 0: each connection has a port of its own. */
  readonly sharedPort: number;
  /** The first worker's for TCP; 0: none. */
  readonly tcpPort: number;
}

/** Each worker's part of them. Throws RangeError where there are fewer ports than workers. */
export function shareBrowserPorts(
  { ports, sharedPort, tcpPort }: BrowserPorts,
  workers: number,
): {
  readonly ports: PortRange | null;
  readonly sharedPort: number | null;
  readonly tcpPort: number | null;
}[] {
  const perWorker = ports === undefined ? 0 : Math.floor((ports.to + 1 - ports.from) / workers);
  if (ports !== undefined && perWorker < 1)
    throw new RangeError(`ports ${ports.from}-${ports.to} are too few for ${workers} media workers`);
  return Array.from({ length: workers }, (_, index) => {
    const from = (ports?.from ?? 0) + index * perWorker;
    return {
      ports: ports === undefined ? null : { from, to: from + perWorker - 1 },
      sharedPort: sharedPort === 0 ? null : sharedPort + index,
      tcpPort: tcpPort === 0 ? null : tcpPort + index,
    };
  });
}

/** Cuts a range into `shares` disjoint ranges that begin at even ports. Throws RangeError where it is too small. */
export function splitPortRange({ from, to }: PortRange, shares: number): PortRange[] {
  const first = from + (from % 2);
  const perShare = Math.floor((to + 1 - first) / shares / 2) * 2;
  if (perShare < smallestShare)
    throw new RangeError(`ports ${from}-${to} are too few for ${shares} media workers`);
  return Array.from({ length: shares }, (_, index) => {
    const start = first + index * perShare;
    return { from: start, to: start + perShare - 1 };
  });
}
