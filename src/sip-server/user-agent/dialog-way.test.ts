import { describe, expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { Dialog } from '../dialog/dialog.js';
import type { Flow } from '../transport/flow.js';
import type { Application } from './application.js';
import { findFlow } from './dialog-way.js';

function flowTo(remoteAddress: string): Flow {
  return Object.assign(new RecordedFlow(), { remoteAddress });
}

function dialogWith(remoteTarget: string, flow: Flow): Dialog<Application> {
  return new Dialog<Application>({
    role: 'uas',
    usage: 'call',
    callId: 'c',
    localTag: 'l',
    remoteTag: 'r',
    local: '<sip:l@192.0.2.1>',
    remote: '<sip:r@192.0.2.2>',
    remoteTarget,
    routeSet: [],
    localCSeq: 0,
    remoteCSeq: 1,
    remoteTakesUpdate: false,
    owner: undefined,
    flow,
    inviteId: 'i',
    publicId: 'p',
  });
}

describe('The way of a request to a Contact that is a name', () => {
  const contact = 'sip:x@name.example:6379;transport=tcp';

  it('is where the name leads on the internet', async () => {
    const resolved = flowTo('203.0.113.7');
    const dialog = dialogWith(contact, flowTo('198.51.100.7'));
    expect(await findFlow(dialog, () => Promise.resolve(resolved))).toBe(resolved);
  });

  it('is where it leads in the private network of the peer', async () => {
    const resolved = flowTo('10.0.0.9');
    const dialog = dialogWith(contact, flowTo('10.0.0.7'));
    expect(await findFlow(dialog, () => Promise.resolve(resolved))).toBe(resolved);
  });

  it.each(['127.0.0.1', '10.0.0.9', '169.254.169.254', '::1'])(
    'is that of the peer where the name leads to %s',
    async (address) => {
      const heard = flowTo('198.51.100.7');
      expect(await findFlow(dialogWith(contact, heard), () => Promise.resolve(flowTo(address)))).toBe(heard);
    },
  );

  it('is that of the peer where the name leads nowhere', async () => {
    const heard = flowTo('198.51.100.7');
    expect(await findFlow(dialogWith(contact, heard), () => Promise.reject(new Error('ENOTFOUND')))).toBe(
      heard,
    );
  });
});
