import { describe, expect, it } from 'vitest';
import { RecordedFlow } from '../../test/support/recorded-flow.js';
import { parseNameAddr } from './message/name-addr.js';
import { parseVia } from './message/via.js';
import { reachableFamilies, responseFlowFor, transportTo } from './network.js';
import type { MessageIdentity } from './transaction/identity.js';
import type { Transport } from './transport/transport.js';

const dialled: string[] = [];
const elsewhere = new RecordedFlow('udp', '198.51.100.1', 9);
const transportOf = (protocol: 'udp' | 'tcp'): Transport =>
  ({
    protocol,
    boundAddress: { address: '0.0.0.0', port: 5060 },
    connect: (host: string, port: number) => {
      dialled.push(`${host}:${port}`);
      return Promise.resolve(elsewhere);
    },
  }) as unknown as Transport;

function identityOf(via: string): MessageIdentity {
  const parsed = parseVia(via);
  const nobody = parseNameAddr('<sip:a@b>');
  if (!parsed || !nobody) throw new Error('bad test');
  return {
    via: parsed,
    callId: '',
    cseq: { number: 1, method: '' },
    from: nobody,
    to: nobody,
    fromTag: '',
    toTag: '',
  };
}

describe('the responses to a request', () => {
  it.each([
    ['SIP/2.0/UDP 198.51.100.1:7000;rport=7000;received=198.51.100.1', 7000, 'the port it came from'],
    ['SIP/2.0/UDP 198.51.100.1:7000', 7000, 'the port in its Via, which is the same'],
    ['SIP/2.0/UDP 192.168.1.1:5060;received=198.51.100.1', 7000, 'the port it came from behind a NAT'],
  ])('with %s go back down the flow', (via, port) => {
    const flow = new RecordedFlow('udp', '198.51.100.1', port);
    expect(responseFlowFor([transportOf('udp')], flow, identityOf(via))).toBe(flow);
  });

  it.each([
    ['SIP/2.0/UDP 198.51.100.1:5099', '198.51.100.1:5099'],
    ['SIP/2.0/UDP 198.51.100.1', '198.51.100.1:5060'],
    ['SIP/2.0/UDP phone.example;received=198.51.100.1', '198.51.100.1:5060'],
  ])('with %s go to %s', async (via, target) => {
    dialled.length = 0;
    const flow = new RecordedFlow('udp', '198.51.100.1', 40_000);
    await responseFlowFor([transportOf('udp')], flow, identityOf(via)).send(Buffer.from('x'));
    expect(dialled).toEqual([target]);
  });

  it('over a connection that is gone go over a new one', async () => {
    dialled.length = 0;
    const flow = new RecordedFlow('tcp', '198.51.100.1', 40_000);
    const response = responseFlowFor([transportOf('tcp')], flow, identityOf('SIP/2.0/TCP 198.51.100.1:5090'));
    await response.send(Buffer.from('x'));
    expect(dialled).toEqual([]);
    flow.close();
    await response.send(Buffer.from('x'));
    expect(dialled).toEqual(['198.51.100.1:5090']);
  });

  it('over a connection that is gone go where its sender listens, not to the port that it came from', async () => {
    dialled.length = 0;
    const flow = new RecordedFlow('tcp', '198.51.100.1', 40_000);
    flow.close();
    const via = 'SIP/2.0/TCP 10.0.0.1:5090;rport=40000;received=198.51.100.1';
    await responseFlowFor([transportOf('tcp')], flow, identityOf(via)).send(Buffer.from('x'));
    expect(dialled).toEqual(['198.51.100.1:5090']);
  });
});

describe('of several sockets', () => {
  const at = (protocol: 'udp' | 'tcp', address: string, listener?: number, port = 5060): Transport =>
    ({ protocol, boundAddress: { address, port }, listener }) as unknown as Transport;
  const flowOf = (listener: number, protocol: 'udp' | 'tcp' = 'udp') =>
    Object.assign(new RecordedFlow(protocol), { listener });

  it('that of the family of the address is taken', async () => {
    const transports = [at('udp', '127.0.0.1'), at('udp', '::1'), at('tcp', '127.0.0.1')];
    expect(await transportTo(transports, 'udp', '::1')).toBe(transports[1]);
    expect(await transportTo(transports, 'udp', '127.0.0.9')).toBe(transports[0]);
    expect(await transportTo(transports, 'tcp', '::1')).toBeNull();
    expect(reachableFamilies(transports, 'udp')).toEqual([4, 6]);
    expect(reachableFamilies(transports, 'tls')).toEqual([]);
  });

  it('that is taken from whose address the system goes there', async () => {
    const transports = [at('udp', '192.0.2.1'), at('udp', '127.0.0.1')];
    expect(await transportTo(transports, 'udp', '127.0.0.1')).toBe(transports[1]);
  });

  it('the one that a call came by is taken for it, and another of the same listener', async () => {
    const transports = [
      at('udp', '127.0.0.1', 0),
      at('tcp', '127.0.0.1', 0),
      at('udp', '127.0.0.2', 1),
      at('tcp', '127.0.0.2', 1),
    ];
    const near = flowOf(1);
    expect(await transportTo(transports, 'udp', '127.0.0.9', near)).toBe(transports[2]);
    expect(await transportTo(transports, 'tcp', '127.0.0.9', near)).toBe(transports[3]);
  });

  it('those of all addresses and those of one are told apart, although a connection has the address of both', async () => {
    const transports = [
      at('udp', '0.0.0.0', 0),
      at('tcp', '0.0.0.0', 0),
      at('udp', '127.0.0.1', 1, 5080),
      at('tcp', '127.0.0.1', 1, 5080),
    ];
    // A connection that came to the first, and one that the first opened.
    for (const localPort of [5060, 43_210]) {
      const near = Object.assign(flowOf(0, 'tcp'), { localAddress: '127.0.0.1', localPort });
      expect(await transportTo(transports, 'tcp', '127.0.0.9', near)).toBe(transports[1]);
      expect(await transportTo(transports, 'udp', '127.0.0.9', near)).toBe(transports[0]);
    }
    expect(await transportTo(transports, 'udp', '127.0.0.9', flowOf(1, 'tcp'))).toBe(transports[2]);
  });

  it('the first is taken for a new call where it listens on all addresses of that kind', async () => {
    const transports = [at('tcp', '0.0.0.0', 0), at('tcp', '127.0.0.1', 1, 5080), at('tcp', '::1', 2)];
    expect(await transportTo(transports, 'tcp', '127.0.0.9')).toBe(transports[0]);
    expect(await transportTo(transports, 'tcp', '::1')).toBe(transports[2]);
  });

  it('the one that a request came by sends its response, wherever that goes', async () => {
    const sent: string[] = [];
    const transports = ['127.0.0.1', '127.0.0.2'].map((address, listener) => ({
      ...at('udp', address, listener),
      connect: (host: string, port: number) => {
        sent.push(`${address} > ${host}:${port}`);
        return Promise.resolve(elsewhere);
      },
    }));
    const flow = Object.assign(new RecordedFlow('udp', '198.51.100.1', 40_000), { listener: 1 });
    await responseFlowFor(transports, flow, identityOf('SIP/2.0/UDP 198.51.100.1:5099')).send(
      Buffer.from('x'),
    );
    expect(sent).toEqual(['127.0.0.2 > 198.51.100.1:5099']);
  });
});
