/** Many calls by SIPp through both servers beside the gateway, after which nothing may be left in either. */
import { describe, expect, it } from 'vitest';
import { hasOwnDrachtio, heldAtEnd, startDrachtio } from '../support/drachtio.js';
import { hasOwnFreeSwitch, startFreeSwitch } from '../support/freeswitch.js';
import { expectNoChannels } from '../support/freeswitch-edge.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { serversBeside } from '../support/servers-beside.js';
import { expectSipp, hasSipp } from '../support/sipp.js';
import { TestGateway } from '../support/start-gateway.js';

const calls = 200;
const callsPerSecond = 20;
const isInstalled = hasSipp && hasOwnDrachtio && hasOwnFreeSwitch;
const reason = isInstalled ? '' : ' (skipped: SIPp, drachtio-server and FreeSWITCH are not all installed)';

describe.skipIf(!hasOwnDrachtio)('a drachtio-server that ends during a call', () => {
  it('says that it held the call', async () => {
    const drachtio = (await startDrachtio({ environment: { DRACHTIO_LOGLEVEL: 'debug' } }))!;
    const gateway = await TestGateway.start({ beside: serversBeside({ drachtio }) });
    try {
      const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
      const phone = await callAndConnect(gateway, token);
      await drachtio.terminate();
      const held = heldAtEnd(drachtio.log);
      for (const what of ['legs', 'dialogs', 'routedDialogs']) expect(held[what], what).toBeGreaterThan(0);
      expect(held['invites']).toBe(0);
      await phone.close();
    } finally {
      await gateway.stop();
    }
  });
});

describe.skipIf(!isInstalled)(`a burst of calls through drachtio-server and FreeSWITCH${reason}`, () => {
  it('leaves no channel, no dialog, no leg and no port', async () => {
    const drachtio = (await startDrachtio({ environment: { DRACHTIO_LOGLEVEL: 'debug' } }))!;
    const freeSwitch = (await startFreeSwitch())!;
    const gateway = await TestGateway.start({
      environment: { LANDBRIDGE_RTP_PORT_REST_SECONDS: '1' },
      beside: serversBeside({ drachtio, freeSwitch }),
    });
    try {
      const tokens: string[] = [];
      while (tokens.length < calls) {
        const sessionId = await gateway.rest.createSession();
        const newcomers = Array.from({ length: 10 }, () => gateway.rest.newcomer(sessionId));
        tokens.push(...(await Promise.all(newcomers)).map(({ token }) => token));
      }
      await expectSipp('call', {
        target: `127.0.0.1:${gateway.sipPort}`,
        values: { headers: 'User-to-User: [field0];encoding=jwt', talkMs: 300 },
        burst: { lines: tokens, callsPerSecond },
      });
      await gateway.idle();
      expect(gateway.openRtpPorts()).toEqual([]);
      await expectNoChannels(freeSwitch);
      expect(await freeSwitch.api('status')).toMatch(
        new RegExp(`^${2 * calls} session\\(s\\) since startup`, 'm'),
      );
      await drachtio.terminate();
      expect(heldAtEnd(drachtio.log)).toEqual({ legs: 0, dialogs: 0, routedDialogs: 0, invites: 0 });
    } finally {
      await gateway.stop();
    }
  }, 120_000);
});
