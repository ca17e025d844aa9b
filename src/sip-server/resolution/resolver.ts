/** What is asked of the DNS, whoever answers. */

/** RFC 3403 §4.1. */
export interface NaptrRecord {
  /** Lowest first. */
  readonly order: number;
  /** Lowest first, among those of one order. */
  readonly preference: number;
  readonly flags: string;
  /** Such as `SIP+D2U` (RFC 3263 §4.1). */
  readonly service: string;
  readonly replacement: string;
}

/** RFC 2782. */
export interface SrvRecord {
  /** Lowest first. */
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** `.` or empty: there is no such service. */
  readonly name: string;
}

export type AddressFamily = 4 | 6;

/**
 * Looks names up. Each resolves with an empty list where the name, or such a record of it, does not exist, and rejects where that could
 * not be found out: the DNS did not answer, or answered with an error.
 */
export interface Resolver {
  lookupNaptr(name: string): Promise<readonly NaptrRecord[]>;
  lookupSrv(name: string): Promise<readonly SrvRecord[]>;
  /** Literal addresses, in the order in which they came. */
  lookupAddress(name: string, family: AddressFamily): Promise<readonly string[]>;
}
