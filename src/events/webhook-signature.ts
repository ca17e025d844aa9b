/** `Landbridge-Signature: t=<seconds since the epoch>,v1=<HMAC-SHA256 of "t.body" in hex>`. */
import { createHmac } from 'node:crypto';

export function formatSignature(secret: string, body: string, now: number): string {
  const seconds = Math.floor(now / 1000);
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${digest}`;
}
