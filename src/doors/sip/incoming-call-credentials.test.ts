/** Calls that show several things of the form of a credential: some are somebody else's. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { offer, settle, SipCallStage } from '../../../test/support/sip-call-stage.js';
import type { DialIn } from '../../domain/numbers/phone-number.js';
import { ownServer } from './server-traits.js';

let stage: SipCallStage;
beforeEach(async () => {
  stage = await SipCallStage.open();
});
afterEach(() => stage.domain.legs.endAll({ endedBy: 'gateway', reason: 'connection-lost' }));

const foreignCode = 'ORDER1234567';
const foreignToken = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';

interface Shown {
  readonly headers: Record<string, string>;
  readonly uri?: string;
}

/** The status, and the refusal's code where it is refused. */
async function answerTo({ headers, uri }: Shown, dialIn?: () => Promise<DialIn | null>): Promise<string> {
  const call = stage.newCall(headers, offer, ownServer, { ...(dialIn !== undefined && { dialIn }) });
  call.request.uri = uri ?? call.request.uri;
  void call.call.run();
  await settle();
  await call.confirm();
  const status = String(call.response.sent[0]?.status);
  return [status, ...call.refusals].join(' ');
}

it.each([
  [
    'a code, a token in a header',
    (token: string): Shown => ({
      headers: { 'User-to-User': foreignCode, 'X-Landbridge-Token': token },
    }),
  ],
  [
    'a code in hex, a token behind it',
    (token: string): Shown => ({
      headers: {
        'User-to-User': `${Buffer.from(foreignCode).toString('hex')};encoding=hex,${token};encoding=jwt`,
      },
    }),
  ],
  [
    'a token, a token in the URI',
    (token: string): Shown => ({
      headers: { 'User-to-User': `${foreignToken};encoding=jwt` },
      uri: `sip:join@gateway.example;token=${token}`,
    }),
  ],
  [
    'a token in a header, a code as the user',
    (_token: string, code: string): Shown => ({
      headers: { 'X-Landbridge-Token': foreignToken },
      uri: `sip:${code}@gateway.example`,
    }),
  ],
  [
    'a code, a code as the user',
    (_token: string, code: string): Shown => ({
      headers: { 'User-to-User': foreignCode },
      uri: `sip:${code}@gateway.example`,
    }),
  ],
])('What somebody else shows hides none of ours: %s', async (_, shown) => {
  const { token, joinCode } = await stage.newCaller();
  expect(await answerTo(shown(token, joinCode))).toBe('200');
});

it('Each code that nobody has is a guess, whatever else the call shows', async () => {
  const { joinCode } = await stage.newCaller();
  const codes = (at: number) => [0, 1, 2].map((digit) => `ABCDEFGHJK${at}${digit}`).join(',');
  // Five a minute are looked up.
  expect(await answerTo({ headers: { 'User-to-User': codes(0) } })).toBe('403 token-invalid');
  expect(await answerTo({ headers: { 'User-to-User': codes(1) } })).toBe('503 too-many-guesses');
  expect(await answerTo({ headers: { 'User-to-User': foreignCode }, uri: `sip:${joinCode}@gw` })).toBe(
    '503 too-many-guesses',
  );
  const { token } = await stage.newCaller();
  const headers = { 'User-to-User': foreignCode, 'X-Landbridge-Token': token };
  expect(await answerTo({ headers })).toBe('200');
});

it('A call with somebody else’s code to a number that takes it is the number’s, and refused for the code where none does', async () => {
  const { token } = await stage.newCaller();
  const takes = () => Promise.resolve<DialIn>({ credential: { kind: 'jwt', value: token }, attendant: null });
  const uri = 'sip:+14155550100@gateway.example';
  const headers = { 'User-to-User': foreignCode };
  expect(await answerTo({ headers, uri }, () => Promise.resolve(null))).toBe('403 token-invalid');
  expect(await answerTo({ headers: { 'User-to-User': foreignToken }, uri }, takes)).toBe('403 token-invalid');
  expect(await answerTo({ headers, uri }, takes)).toBe('200');
});

it('Of a call that is wrong in its form, the participant is told of whose token stands behind somebody else’s code', async () => {
  const { token, participant } = await stage.newCaller();
  const headers = { 'User-to-User': foreignCode, 'X-Landbridge-Token': token, To: '<sip:a@b>;tag=1' };
  const call = stage.newCall(headers);
  await call.call.run();
  await settle();
  expect(call.refused).toMatchObject([{ code: 'no-such-dialog', participantId: participant.id }]);
});
