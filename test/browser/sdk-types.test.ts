/**
 * What the SDK has copied from the gateway's domain is still what the domain says. The SDK shares no code with `src`, so only
 * the types are compared, and the compiler does it: `tsc -p test/browser/tsconfig.json` fails where they part.
 */
import { expectTypeOf, it } from 'vitest';
import type { LegNotice } from '../../src/domain/legs/leg-notice.js';
import type { RefusalCode as DomainRefusalCode } from '../../src/domain/refusal.js';
import type { RefusalCode } from '../../sdk/src/errors.js';
import type { SessionNotice } from '../../sdk/src/session-notice.js';

it('knows every refusal of the domain, and has one more for what a newer gateway may say', () => {
  expectTypeOf<RefusalCode>().toEqualTypeOf<DomainRefusalCode | 'refused'>();
});

it('reads the notices of its kinds as the domain writes them', () => {
  type Told = Extract<LegNotice, { readonly type: SessionNotice['type'] }>;
  expectTypeOf<SessionNotice['type']>().toExtend<LegNotice['type']>();
  expectTypeOf<Told>().toExtend<SessionNotice>();
  expectTypeOf<SessionNotice>().toExtend<Told>();
});
