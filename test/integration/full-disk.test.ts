/** What the log says while the disk is full: once why, and what to do; and that room alone mends it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callAndConnect } from '../support/gateway-phone.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { fill, makeSmallDisk, smallDiskIsPossible } from '../support/small-disk.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const skipped = smallDiskIsPossible ? '' : ' (skipped: only root may mount one)';

it.skipIf(!smallDiskIsPossible)(
  `A gateway whose disk is full says so once, however many call${skipped}`,
  async () => {
    const disk = await makeSmallDisk(4096);
    const gateway = await TestGateway.start({ dataDirectory: disk.path });
    try {
      const { token, joinCode } = await gateway.rest.newcomer(await gateway.rest.createSession());
      const filler = join(disk.path, 'filler');
      fill(filler);
      const post = () => gateway.rest.request('POST', '/sessions', {});
      await waitFor('nothing more can be written', async () => (await post()).status === 503);
      for (const credential of Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? token : joinCode))) {
        const sip = await RawSip.open(gateway.sipPort);
        const headers = [`X-Landbridge-Token: ${credential}`];
        sip.send(sip.invite({ headers, body: audioOffer(sip.port) }));
        expect((await sip.final('INVITE')).status).toBe(503);
        sip.close();
      }
      const serious = gateway.log.filter(({ level }) => level === 'error' || level === 'warn');
      expect(serious).toMatchObject([
        { msg: 'store unavailable', cause: expect.stringContaining('Make room') },
      ]);
      expect(JSON.stringify(gateway.log)).not.toContain('"stack"');
      const refused = () => gateway.log.filter(({ msg }) => msg === 'call refused');
      await waitFor('each call is in the log', () => refused().length === 20);

      rmSync(filler);
      await waitFor('it can be written again', async () => (await post()).status === 200);
      const phone = await callAndConnect(gateway, token);
      await phone.hangUp();
      await phone.close();
      expect(gateway.log.filter(({ msg }) => msg === 'store available again')).toHaveLength(1);
    } finally {
      await gateway.stop({ keepData: true });
      await disk.remove();
    }
  },
);
