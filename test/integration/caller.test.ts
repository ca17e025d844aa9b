/** A caller's number and name: what is shown of them, and where they must not be. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/domain/participants/caller.js';
import { callGateway } from '../support/gateway-phone.js';
import { TestGateway } from '../support/start-gateway.js';

const asserted: [string, string] = ['P-Asserted-Identity', '"Ann Smith" <sip:+15551230142@carrier.example>'];

describe('a caller', () => {
  let gateway: TestGateway;
  afterEach(() => gateway.stop());

  /** Calls, and gives back what the leg and its events show of the caller. */
  async function shown(headers: [string, string][]): Promise<(Caller | null)[]> {
    const events = await gateway.follow();
    const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
    const call = await callGateway(gateway, token, { headers });
    const joined = await events.wait('participant.joined');
    const [leg] = await gateway.rest.done<{ caller: Caller | null }[]>('GET', '/legs');
    await call.close();
    const [arrived, ended] = [await events.wait('call.arrived'), await events.wait('call.ended')];
    await events.close();
    await gateway.idle();
    return [leg?.caller ?? null, joined.data.caller, arrived.data.caller, ended.data.caller];
  }

  it('is shown by number and name where the account wants that, and not where he asks for privacy', async () => {
    gateway = await TestGateway.start({ environment: { LANDBRIDGE_CALLER_PRIVACY: 'full' } });
    const caller = { number: '+15551230142', name: 'Ann Smith' };
    expect(await shown([asserted])).toEqual([caller, caller, caller, caller]);
    expect(await shown([asserted, ['Privacy', 'id']])).toEqual([null, null, null, null]);
    const logged = gateway.log.filter(({ level }) => level !== 'debug' && level !== 'trace');
    expect(logged.length).toBeGreaterThan(0);
    expect(JSON.stringify(logged)).not.toMatch(/5551230142|Ann Smith/);
  });

  it('is masked unless told otherwise', async () => {
    gateway = await TestGateway.start();
    const caller = { number: '+********142', name: null };
    expect(await shown([asserted])).toEqual([caller, caller, caller, caller]);
    expect(JSON.stringify(gateway.log)).not.toMatch(/5551230142|Ann Smith/);
  });

  it('is nobody where the account wants nothing shown', async () => {
    gateway = await TestGateway.start({ environment: { LANDBRIDGE_CALLER_PRIVACY: 'none' } });
    expect(await shown([asserted])).toEqual([null, null, null, null]);
  });
});
