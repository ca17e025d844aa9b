/** A call that takes another's place behind a SIP server beside the gateway, which leaves all of it to us; ours stands in for it. */
import { afterEach, beforeEach, describe } from 'vitest';
import { sipDoorReplacesContract } from '../contract/sip-door-replaces-contract.js';
import { DoorStage, StandIn } from './drachtio-door.js';

describe('the SIP door behind a server beside the gateway', () => {
  let server: StandIn;
  let stage: DoorStage;
  beforeEach(async () => {
    server = await StandIn.start();
    stage = await DoorStage.open([server.admin]);
  });
  afterEach(async () => {
    await stage.close();
    await server.stop();
  });

  sipDoorReplacesContract({
    isOwn: false,
    get stage() {
      return stage;
    },
    get port() {
      return server.sipPort;
    },
  });
});
