import { expect, it } from 'vitest';
import { configSchema } from '../../config/config-schema.js';
import { sipPlaces } from '../../config/sip-places.js';
import { placeOf } from './place.js';
import type { KnownSource } from './question.js';

const places = sipPlaces(
  configSchema.parse({
    tls: { cert: 'a.crt', key: 'a.key' },
    sip: {
      host: '10.1.2.3',
      listen: [
        { host: '10.1.2.4', address: '203.0.113.5', name: 'sbc.example', transports: ['udp', 'tls'] },
        { host: '10.1.2.4', port: 5070, address: '203.0.113.5' },
        { host: '2001:db8::1' },
      ],
    },
  }),
);

const from = (address: string | null, transport = 'udp'): KnownSource => ({
  ...{ address, port: 5060, transport, by: 'given' },
});

it.each([
  ['sip:join@10.1.2.3', from('198.51.100.7'), 0],
  ['sip:join@sbc.EXAMPLE', from('198.51.100.7'), 1],
  ['sip:join@203.0.113.5', from('198.51.100.7'), 1],
  ['sip:join@203.0.113.5:5070', from('198.51.100.7'), 2],
  ['sip:join@203.0.113.5', from('198.51.100.7', 'tcp'), 2],
  ['sip:join@[2001:db8::1]', from('198.51.100.7'), 3],
  ['sip:join@gateway.example', from('198.51.100.7'), 0],
  ['sip:join@gateway.example', from('2001:db8::7'), 3],
  ['sip:join@gateway.example', from(null), 0],
  ['sip:join@gateway.example', from('198.51.100.7', 'wss'), 0],
  ['tel:+14155550100', from('198.51.100.7', 'tls'), 0],
])('%s of %j comes to address %i', (uri, source, index) => {
  expect(placeOf(places, uri, source)).toMatchObject({ index, place: places[index] });
});
