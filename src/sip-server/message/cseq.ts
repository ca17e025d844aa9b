/** The CSeq header field (RFC 3261 §20.16). */
export interface CSeq {
  /** 0 to 2³¹ − 1. */
  readonly number: number;
  readonly method: string;
}

const cseqPattern = /^0*(\d{1,10})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)$/;

/** Reads a CSeq value; null when it is malformed or the number is 2³¹ or more (RFC 3261 §8.1.1.5). */
export function parseCSeq(value: string): CSeq | null {
  const parts = cseqPattern.exec(value.trim());
  if (!parts) return null;
  const number = Number(parts[1]);
  return number < 2 ** 31 ? { number, method: parts[2] ?? '' } : null;
}

export function formatCSeq(cseq: CSeq): string {
  return `${cseq.number} ${cseq.method}`;
}
