/** One call that is asked about more than once: the same answer to the same question, and no other question's. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { DomainError } from '../domain-error.js';
import { silentLogger } from '../logger.js';
import type { OpenTransfer, Transfer } from '../transfers/transfer.js';
import { NumberCalls, type NumberCallsOptions } from './number-calls.js';
import type { IncomingCall, PhoneNumber } from './phone-number.js';
import { hashPin } from './pin.js';

const secret = 'a secret';
const number: PhoneNumber = {
  ...{ id: 'number', accountId: 'acme', number: '+14158675309', platform: 'twilio', credentials: {} },
  route: { kind: 'pin', prompt: null },
  participant: { tag: null, displayName: null, publishPermissions: null },
  ...{ allowFrom: [], createdAt: 0 },
};
const call: IncomingCall = { voiceCallId: 'CA1', from: '+15551230142', to: null, headers: {} };
const sessions = new Map([
  [hashPin(secret, 'number', '4711'), 'one'],
  [hashPin(secret, 'number', '4712'), 'two'],
]);

let kept: Transfer | null;
let lookUps: number;
let calls: NumberCalls;
const open = (transfer: Transfer): OpenTransfer =>
  ({ transfer, token: `token of ${transfer.sessionId}`, joinCode: 'code' }) as OpenTransfer;
// As the transfers' service has it: one of a key, and another wish under the same key is refused.
const transfers = {
  findByKey: () => Promise.resolve(kept),
  credentialsOf: (transfer: Transfer) => open(transfer),
  async create(_: string, { destination }: { readonly destination: object }) {
    await Promise.resolve();
    const { sessionId } = destination as { readonly sessionId: string };
    if (kept !== null && kept.sessionId !== sessionId)
      throw new DomainError('transfer-key-reused', 'used for another');
    kept ??= { id: 'transfer', sessionId, expiresAt: Infinity } as Transfer;
    return open(kept);
  },
};

beforeEach(() => {
  kept = null;
  lookUps = 0;
  calls = new NumberCalls({
    numbers: {
      async findPin(numberId: string, pinHash: string) {
        lookUps += 1;
        await Promise.resolve();
        const sessionId = sessions.get(pinHash);
        return sessionId === undefined
          ? null
          : { ...{ id: 'pin', numberId, pinHash, sessionId }, ...{ length: 4, createdAt: 0 } };
      },
    },
    transfers,
    secrets: [secret],
    clock: new ManualClock(),
    logger: silentLogger,
    limits: {
      pins: {
        perCaller: { maxFailuresPerMinute: 5, maxSources: 10 },
        ...{ maxWrongPinsOverAllNumbers: 20, maxWrongPinsPerAddress: 300 },
        ...{ maxWrongPinsPerNumber: 60, maxWaitMs: 5000 },
      },
    },
  } as unknown as NumberCallsOptions);
});

const asked = async (...digits: string[]) => {
  const decisions = await Promise.all(digits.map((pin) => calls.decidePin(number, call, pin)));
  return decisions.map((decision) =>
    decision.kind === 'transfer' ? decision.transfer.sessionId : decision.kind,
  );
};

describe('Digits of one call that come at the same moment', () => {
  it('are each looked up: a right PIN is not wrong because another was', async () => {
    expect(await asked('0000', '4711')).toEqual(['ask-pin', 'one']);
  });

  it('are each looked up: a wrong PIN opens no session by another’s being right, until the call has it', async () => {
    expect(await asked('4711', '0000')).toEqual(['one', 'ask-pin']);
    expect(await asked('0000')).toEqual(['one']);
  });

  it('are looked up once where they are the same', async () => {
    expect(await asked('4711', '4711', '4711')).toEqual(['one', 'one', 'one']);
    expect(lookUps).toBe(1);
  });

  it('send the call to one session, where they are the PINs of two', async () => {
    expect(await asked('4711', '4712')).toEqual(['one', 'one']);
    expect(lookUps).toBe(2);
  });

  it('of each call count by themselves as guesses', async () => {
    const wrong = Array.from({ length: 9 }, (_, at) => `000${String(at)}`);
    const results = await asked(...wrong);
    expect(results.filter((result) => result === 'ask-pin')).toHaveLength(5);
    expect(results.filter((result) => result === 'refuse')).toHaveLength(4);
  });
});
