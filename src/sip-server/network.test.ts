import { describe, expect, it } from 'vitest';
import { RecordedFlow } from '../../test/support/recorded-flow.js';
import { parseNameAddr } from './message/name-addr.js';
import { parseVia } from './message/via.js';
import { responseFlowFor } from './network.js';
import type { MessageIdentity } from './transaction/identity.js';
import type { Transport } from './transport/transport.js';

const dialled: string[] = [];
const elsewhere = new RecordedFlow('udp', '198.51.100.1', 9);
const transport = {
  connect: (host: string, port: number) => {
    dialled.push(`${host}:${port}`);
    return Promise.resolve(elsewhere);
  },
} as unknown as Transport;

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
    expect(responseFlowFor({ udp: transport }, flow, identityOf(via))).toBe(flow);
  });

  it.each([
    ['SIP/2.0/UDP 198.51.100.1:5099', '198.51.100.1:5099'],
    ['SIP/2.0/UDP 198.51.100.1', '198.51.100.1:5060'],
    ['SIP/2.0/UDP phone.example;received=198.51.100.1', '198.51.100.1:5060'],
  ])('with %s go to %s', async (via, target) => {
    dialled.length = 0;
    const flow = new RecordedFlow('udp', '198.51.100.1', 40_000);
    await responseFlowFor({ udp: transport }, flow, identityOf(via)).send(Buffer.from('x'));
    expect(dialled).toEqual([target]);
  });

  it('over a connection that is gone go over a new one', async () => {
    dialled.length = 0;
    const flow = new RecordedFlow('tcp', '198.51.100.1', 40_000);
    const response = responseFlowFor({ tcp: transport }, flow, identityOf('SIP/2.0/TCP 198.51.100.1:5090'));
    await response.send(Buffer.from('x'));
    expect(dialled).toEqual([]);
    flow.close();
    await response.send(Buffer.from('x'));
    expect(dialled).toEqual(['198.51.100.1:5090']);
  });
});
