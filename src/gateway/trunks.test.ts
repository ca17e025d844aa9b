import { describe, expect, it } from 'vitest';
import type { Trunk } from '../domain/trunks/trunk.js';
import { outboundHindrance, trunksOfAccounts } from './trunks.js';

describe('The trunks of a gateway', () => {
  it('are those of the accounts that are configured', () => {
    const trunks = ['a', 'gone', 'b'].map((accountId) => ({ accountId }) as Trunk);
    const kept = trunksOfAccounts(trunks, [{ accountId: 'a' }, { accountId: 'b' }]);
    expect(kept.map(({ accountId }) => accountId)).toEqual(['a', 'b']);
  });

  it('are sent nothing where phones come through a drachtio-server', () => {
    expect(outboundHindrance({ drachtio: undefined })).toBeNull();
    expect(outboundHindrance({ drachtio: {} as never })).toContain('drachtio');
  });
});
