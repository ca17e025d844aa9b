import { expect, it } from 'vitest';
import { DialInNetworks } from './dial-in-networks.js';

it('knows the networks of all numbers that are there, as they are made, changed and deleted', () => {
  const networks = new DialInNetworks([
    { id: 'one', allowFrom: ['192.0.2.0/24', '2001:db8::/32'] },
    { id: 'closed', allowFrom: [] },
  ]);
  const known = () =>
    ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::1', '198.51.100.1', 'nobody'].filter((address) =>
      networks.has(address),
    );
  expect(known()).toEqual(['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::1']);
  networks.put({ id: 'two', allowFrom: ['198.51.100.1', '192.0.2.7'] });
  networks.remove('one');
  expect(known()).toEqual(['192.0.2.7', '::ffff:192.0.2.7', '198.51.100.1']);
  networks.put({ id: 'two', allowFrom: [] });
  networks.remove('unknown');
  expect(known()).toEqual([]);
});
