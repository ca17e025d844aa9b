/** Our own command-line phone as a test's caller. */
import type { AudioSource } from '../../src/softphone/audio-source.js';
import { placeCall, type PhoneCall, type PlaceCallOptions } from '../../src/softphone/phone-call.js';
import type { TestGateway } from './start-gateway.js';
import { waitFor } from './wait-for.js';

/** Calls and is answered. */
export async function callGateway(
  gateway: TestGateway,
  token: string,
  options: Partial<PlaceCallOptions> & { readonly toneHz?: number } = {},
): Promise<PhoneCall> {
  const { toneHz, ...others } = options;
  const source: AudioSource =
    toneHz === undefined ? { kind: 'silence' } : { kind: 'tone', frequencyHz: toneHz };
  const call = await placeCall({
    uri: `sip:join@127.0.0.1:${gateway.sipPort}`,
    token,
    source,
    lingerMs: 500,
    ...others,
  });
  await call.answered;
  return call;
}

/** Calls and is in: the caller hears of the answer before the gateway hears that it did. */
export async function callAndConnect(
  gateway: TestGateway,
  token: string,
  options: { readonly toneHz?: number } = {},
): Promise<PhoneCall> {
  const call = await callGateway(gateway, token, options);
  await waitFor('the call is established', async () =>
    (await gateway.rest.legs()).some(
      ({ callId, state }) => callId === call.callId && state === 'established',
    ),
  );
  return call;
}
