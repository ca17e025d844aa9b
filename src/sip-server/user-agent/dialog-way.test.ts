import { describe, expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { TableResolver } from '../../../test/support/table-resolver.js';
import { Dialog } from '../dialog/dialog.js';
import { OutgoingWays } from '../outgoing-ways.js';
import { systemClock } from '../transaction/clock.js';
import type { Flow } from '../transport/flow.js';
import type { Transport } from '../transport/transport.js';
import type { Application } from './application.js';
import { findFlow, knownFlow } from './dialog-way.js';
import { silentLogger } from './environment.js';

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

  it.each(['127.0.0.1', '10.0.0.9', '169.254.169.254', '::1', '0:0:0:0:0:0:0:0', '224.0.0.1'])(
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

describe('The way back to a peer that came over a WebSocket', () => {
  const elsewhere = () => Promise.resolve(flowTo('198.51.100.8'));

  it.each([
    'sip:x@pbx.example.com',
    'sip:x@198.51.100.8',
    'sips:x@198.51.100.8',
    'sip:x@198.51.100.8;transport=tcp',
  ])('is its own connection, and none where that is closed: %s', async (contact) => {
    const heard = new RecordedFlow('wss', '198.51.100.7', 40_000);
    expect(knownFlow(dialogWith(contact, heard))).toBe(heard);
    expect(await findFlow(dialogWith(contact, heard), elsewhere)).toBe(heard);
    heard.close();
    const dialog = dialogWith(contact, heard);
    expect(knownFlow(dialog)).toBeNull();
    await expect(findFlow(dialog, elsewhere)).rejects.toThrow('WebSocket');
  });
});

describe('The way back to a peer that came over TLS', () => {
  const transportOf = (protocol: 'udp' | 'tcp' | 'tls'): Transport =>
    ({
      protocol,
      boundAddress: { address: '192.0.2.1', port: protocol === 'tls' ? 5061 : 5060 },
      connect: (address: string, port: number) => Promise.resolve(new RecordedFlow(protocol, address, port)),
    }) as unknown as Transport;
  const wayBack = (resolver: TableResolver, protocols: readonly ('udp' | 'tcp' | 'tls')[]) => {
    const heard = new RecordedFlow('tls', '198.51.100.7', 40_000);
    heard.close();
    const ways = new OutgoingWays(protocols.map(transportOf), { resolver }, systemClock, silentLogger);
    return findFlow(dialogWith('sip:x@pbx.example.com', heard), (hop, near) => ways.connect(hop, near));
  };
  const offersAll = (): TableResolver =>
    new TableResolver()
      .add('NAPTR', 'pbx.example.com', { service: 'SIP+D2U', replacement: '_sip._udp.pbx.example.com' })
      .add('SRV', '_sip._udp.pbx.example.com', { name: 'clear.example.com' })
      .add('SRV', '_sip._tcp.pbx.example.com', { name: 'clear.example.com' })
      .add('A', 'clear.example.com', '198.51.100.8')
      .add('A', 'pbx.example.com', '198.51.100.7');

  it('is TLS where its connection is gone and its domain offers what is in the clear', async () => {
    expect(await wayBack(offersAll(), ['udp', 'tcp', 'tls'])).toMatchObject({
      protocol: 'tls',
      remoteAddress: '198.51.100.7',
      remotePort: 5061,
    });
    const resolver = offersAll()
      .add('SRV', '_sips._tcp.pbx.example.com', { name: 'safe.example.com', port: 5099 })
      .add('A', 'safe.example.com', '198.51.100.9');
    expect(await wayBack(resolver, ['udp', 'tcp', 'tls'])).toMatchObject({
      protocol: 'tls',
      remoteAddress: '198.51.100.9',
      remotePort: 5099,
    });
  });

  it('is none rather than one in the clear', async () => {
    await expect(wayBack(offersAll(), ['udp', 'tcp'])).rejects.toThrow('no way');
  });
});
