/** A page and phones that come through drachtio-server and FreeSWITCH: who hears whom, by tone. */
import { describe, it } from 'vitest';
import { hasOwnDrachtio, startDrachtio } from '../support/drachtio.js';
import {
  expectChannels,
  hasOwnFreeSwitch,
  startFreeSwitch,
  type FreeSwitchForTests,
} from '../support/freeswitch.js';
import { serversBeside } from '../support/servers-beside.js';
import { phoneHears, phoneHearsNot, useScene } from './scene.js';

const isInstalled = hasOwnDrachtio && hasOwnFreeSwitch;
const reason = isInstalled ? '' : ' (skipped: drachtio-server and FreeSWITCH are not both installed)';

describe.skipIf(!isInstalled)(`a page, and phones through both servers${reason}`, () => {
  let freeSwitch: FreeSwitchForTests;
  const scene = useScene(async () => {
    freeSwitch = (await startFreeSwitch())!;
    return { beside: serversBeside({ drachtio: await startDrachtio(), freeSwitch }) };
  });

  it('hear each other and not themselves', async () => {
    const page = await scene().page({ toneHz: 600 });
    const phone = await scene().phone({ toneHz: 440 });
    await expectChannels(freeSwitch, 2);
    await page.hears(440, phone.participantId);
    await phoneHears(phone, 600);
    await page.hearsNot(600);
    await phoneHearsNot(phone, 440);
    const second = await scene().phone({ toneHz: 1000 });
    await Promise.all([
      page.hears(1000, second.participantId),
      phoneHears(phone, 1000),
      phoneHears(second, 600),
    ]);
    await phoneHears(second, 440);
  });
});
