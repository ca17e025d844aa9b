import { afterEach, describe, expect, it, vi } from 'vitest';
import { TableResolver } from '../../../test/support/table-resolver.js';
import { systemClock } from '../transaction/clock.js';
import { nextHopOf } from '../user-agent/next-hop.js';
import { Locator, type LocatedProtocol, type LocatorOptions, type Target } from './locate.js';
import type { AddressFamily } from './resolver.js';

const both: readonly AddressFamily[] = [4, 6];

function locatorOf(resolver: TableResolver, options: Partial<LocatorOptions> = {}): Locator {
  return new Locator({
    resolver,
    peersResolver: resolver,
    random: () => 0,
    families: () => both,
    isDead: () => false,
    maxTargets: 10,
    lookUpMs: 10_000,
    clock: systemClock,
    onFailure: () => undefined,
    ...options,
  });
}

/** `udp 192.0.2.1:5060`, in order. */
async function located(
  uri: string,
  resolver: TableResolver,
  options: Partial<LocatorOptions> = {},
): Promise<string[]> {
  const hop = nextHopOf(uri);
  if (hop === null) throw new Error('bad test');
  const targets: Target[] = [];
  for await (const target of locatorOf(resolver, options).targets(hop)) targets.push(target);
  return targets.map(({ protocol, address, port }) => `${protocol} ${address}:${port}`);
}

const speaks = (...spoken: LocatedProtocol[]) => ({
  families: (protocol: LocatedProtocol) => (spoken.includes(protocol) ? both : []),
});

describe('without a question to the DNS', () => {
  it.each([
    ['sip:x@192.0.2.1', 'udp 192.0.2.1:5060'],
    ['sips:x@192.0.2.1', 'tls 192.0.2.1:5061'],
    ['sip:x@192.0.2.1;transport=tcp', 'tcp 192.0.2.1:5060'],
    ['sip:x@[2001:db8::1]:5070;transport=tls', 'tls 2001:db8::1:5070'],
    ['sip:x@example.com;maddr=192.0.2.9', 'udp 192.0.2.9:5060'],
  ])('%s is %s', async (uri, target) => {
    const resolver = new TableResolver();
    expect(await located(uri, resolver)).toEqual([target]);
    expect(resolver.asked).toEqual([]);
  });

  it('an address goes over TCP where no UDP is spoken', async () => {
    expect(await located('sip:x@192.0.2.1', new TableResolver(), speaks('tcp'))).toEqual([
      'tcp 192.0.2.1:5060',
    ]);
  });
});

describe('a name with a port', () => {
  it('is asked for its addresses alone, IPv4 and IPv6', async () => {
    const resolver = new TableResolver()
      .add('SRV', '_sip._udp.example.com', { name: 'other.example.com' })
      .add('A', 'example.com', '192.0.2.1', '192.0.2.2')
      .add('AAAA', 'example.com', '2001:db8::1');
    expect(await located('sip:x@example.com:5080', resolver)).toEqual([
      'udp 192.0.2.1:5080',
      'udp 192.0.2.2:5080',
      'udp 2001:db8::1:5080',
    ]);
    expect(resolver.asked).toEqual(['A example.com', 'AAAA example.com']);
  });

  it('is asked for no address of a kind that cannot be reached', async () => {
    const resolver = new TableResolver()
      .add('A', 'example.com', '192.0.2.1')
      .add('AAAA', 'example.com', '::2');
    expect(await located('sip:x@example.com:5080', resolver, { families: () => [4] })).toEqual([
      'udp 192.0.2.1:5080',
    ]);
  });
});

describe('a transport that the URI names', () => {
  it.each([
    ['sip:x@example.com;transport=tcp', '_sip._tcp.example.com', 'tcp'],
    ['sip:x@example.com;transport=udp', '_sip._udp.example.com', 'udp'],
    ['sips:x@example.com', '_sips._tcp.example.com', 'tls'],
    ['sip:x@example.com;transport=tls', '_sips._tcp.example.com', 'tls'],
  ])('%s is looked for as %s', async (uri, service, protocol) => {
    const resolver = new TableResolver()
      .add('NAPTR', 'example.com', { service: 'SIP+D2U', replacement: '_sip._udp.example.com' })
      .add('SRV', service, { name: 'one.example.com', port: 5099 })
      .add('A', 'one.example.com', '192.0.2.1')
      .add('A', 'example.com', '192.0.2.99');
    expect(await located(uri, resolver)).toEqual([`${protocol} 192.0.2.1:5099`]);
  });

  it('is at the address of the name where there is no such service', async () => {
    const resolver = new TableResolver().add('A', 'example.com', '192.0.2.1');
    expect(await located('sips:x@example.com', resolver)).toEqual(['tls 192.0.2.1:5061']);
    expect(await located('sip:x@example.com;transport=tcp', resolver)).toEqual(['tcp 192.0.2.1:5060']);
  });
});

describe('NAPTR records', () => {
  const offers = (): TableResolver =>
    new TableResolver()
      .add(
        'NAPTR',
        'example.com',
        { order: 2, preference: 1, service: 'SIP+D2U', replacement: '_sip._udp.example.com' },
        { order: 1, preference: 20, service: 'SIP+D2T', replacement: '_sip._tcp.example.com' },
        { order: 1, preference: 10, service: 'sips+d2t', replacement: 'secure.example.com' },
        { order: 0, preference: 0, service: 'SIP+D2S', replacement: '_sip._sctp.example.com' },
        { order: 0, preference: 0, service: 'E2U+sip', replacement: 'enum.example.com' },
      )
      .add('SRV', '_sip._udp.example.com', { name: 'u.example.com' })
      .add('SRV', '_sip._tcp.example.com', { name: 't.example.com' })
      .add('SRV', 'secure.example.com', { name: 's.example.com', port: 5061 })
      .add('A', 'u.example.com', '192.0.2.1')
      .add('A', 't.example.com', '192.0.2.2')
      .add('A', 's.example.com', '192.0.2.3');

  it('are taken by order, then by preference, without services that we lack', async () => {
    expect(await located('sip:x@example.com', offers())).toEqual(['tls 192.0.2.3:5061']);
    expect(await located('sip:x@example.com', offers(), speaks('udp', 'tcp'))).toEqual([
      'tcp 192.0.2.2:5060',
    ]);
    expect(await located('sip:x@example.com', offers(), speaks('udp'))).toEqual(['udp 192.0.2.1:5060']);
  });

  it('give a sips URI nothing but SIPS', async () => {
    const clear = new TableResolver()
      .add('NAPTR', 'example.com', { service: 'SIP+D2T', replacement: '_sip._tcp.example.com' })
      .add('SRV', '_sip._tcp.example.com', { name: 't.example.com' })
      .add('A', 't.example.com', '192.0.2.2')
      .add('A', 'example.com', '192.0.2.9');
    expect(await located('sips:x@example.com', clear)).toEqual(['tls 192.0.2.9:5061']);
    expect(await located('sips:x@example.com', offers())).toEqual(['tls 192.0.2.3:5061']);
  });

  it('that lead to no service are passed over', async () => {
    const resolver = offers().add('SRV', 'secure.example.com');
    expect(await located('sip:x@example.com', resolver)).toEqual(['tcp 192.0.2.2:5060']);
  });
});

describe('a name without port, transport and NAPTR', () => {
  it('is looked for by each protocol that we speak, and at its address at last', async () => {
    const resolver = new TableResolver().add('A', 'example.com', '192.0.2.1');
    expect(await located('sip:x@example.com', resolver)).toEqual(['udp 192.0.2.1:5060']);
    expect(resolver.asked).toEqual([
      'NAPTR example.com',
      'SRV _sip._udp.example.com',
      'SRV _sip._tcp.example.com',
      'SRV _sips._tcp.example.com',
      'A example.com',
      'AAAA example.com',
    ]);
  });

  it('is at its SRV record, although it has an address, too', async () => {
    const resolver = new TableResolver()
      .add('A', 'example.com', '192.0.2.9')
      .add('SRV', '_sip._tcp.example.com', { name: 'one.example.com', port: 5062 })
      .add('A', 'one.example.com', '192.0.2.1');
    expect(await located('sip:x@example.com', resolver)).toEqual(['tcp 192.0.2.1:5062']);
  });

  it('is nowhere where its service is said not to be there', async () => {
    const resolver = new TableResolver()
      .add('A', 'example.com', '192.0.2.9')
      .add('SRV', '_sip._udp.example.com', { name: '.', port: 0 });
    expect(await located('sip:x@example.com', resolver)).toEqual([]);
  });
});

describe('the servers of a service', () => {
  const two = (): TableResolver =>
    new TableResolver()
      .add(
        'SRV',
        '_sip._udp.example.com',
        { priority: 2, name: 'c.example.com' },
        { priority: 1, name: 'a.example.com', port: 5070 },
        { priority: 1, name: 'b.example.com', port: 5071 },
      )
      .add('A', 'a.example.com', '192.0.2.1', '192.0.2.11')
      .add('A', 'b.example.com', '192.0.2.2')
      .add('A', 'c.example.com', '192.0.2.3');

  it('are looked up when their turn comes, with all their addresses', async () => {
    const resolver = two();
    const hop = nextHopOf('sip:x@example.com');
    if (hop === null) throw new Error('bad test');
    const first = await locatorOf(resolver).targets(hop).next();
    expect(first.value).toMatchObject({ address: '192.0.2.1', serverName: 'example.com' });
    expect(resolver.asked).not.toContain('A b.example.com');
    expect(await located('sip:x@example.com', resolver)).toEqual([
      'udp 192.0.2.1:5070',
      'udp 192.0.2.11:5070',
      'udp 192.0.2.2:5071',
      'udp 192.0.2.3:5060',
    ]);
  });

  it('that were dead a moment ago come last, and are not left out', async () => {
    const isDead = ({ address }: Target): boolean => address !== '192.0.2.2';
    const order = await located('sip:x@example.com', two(), { isDead });
    expect(order).toEqual([
      'udp 192.0.2.2:5071',
      'udp 192.0.2.1:5070',
      'udp 192.0.2.11:5070',
      'udp 192.0.2.3:5060',
    ]);
  });

  it('are no more than may be tried', async () => {
    expect(await located('sip:x@example.com', two(), { maxTargets: 2 })).toHaveLength(2);
  });

  it('whose address cannot be found out are passed over', async () => {
    const failed: string[] = [];
    const resolver = two().fail('A', 'a.example.com');
    const order = await located('sip:x@example.com', resolver, { onFailure: (name) => failed.push(name) });
    expect(order).toEqual(['udp 192.0.2.2:5071', 'udp 192.0.2.3:5060']);
    expect(failed).toEqual(['a.example.com']);
  });
});

describe('a domain whose owner wants to keep us busy', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const many = Array.from({ length: 300 }, (_, index) => `s${index}.evil.example`);

  it('is asked of no more servers than may be tried, although none of them has an address', async () => {
    const resolver = new TableResolver().add(
      'SRV',
      '_sip._udp.evil.example',
      ...many.map((name) => ({ name })),
    );
    expect(await located('sip:x@evil.example', resolver, { maxTargets: 3 })).toEqual([]);
    expect(resolver.asked.filter((question) => question.startsWith('A '))).toHaveLength(3);
  });

  it('is asked of no more services than that', async () => {
    const resolver = new TableResolver().add(
      'NAPTR',
      'evil.example',
      ...many.map((replacement) => ({ service: 'SIP+D2U', replacement })),
    );
    await located('sip:x@evil.example', resolver, { maxTargets: 3, families: () => [4] });
    // Those three, the three of the domain itself, and its address.
    expect(resolver.asked).toHaveLength(1 + 3 + 3 + 1);
  });

  it('holds a request up for so long, and no longer', async () => {
    vi.useFakeTimers();
    const resolver = new TableResolver().add(
      'SRV',
      '_sip._udp.evil.example',
      ...many.map((name) => ({ name })),
    );
    const asked: string[] = [];
    resolver.lookupAddress = (name) => {
      asked.push(name);
      return new Promise((_resolve, reject) => {
        setTimeout(() => reject(new Error('late')), 2_000);
      });
    };
    let end = '';
    const options: Partial<LocatorOptions> = { lookUpMs: 5_000, families: () => [4] };
    void located('sip:x@evil.example', resolver, options).catch((error: unknown) => (end = String(error)));
    await vi.advanceTimersByTimeAsync(4_999);
    expect(end).toBe('');
    await vi.advanceTimersByTimeAsync(1);
    expect(end).toContain('late');
    expect(asked).toHaveLength(3);
  });

  it('is asked of the resolver for names that peers chose', async () => {
    const ours = new TableResolver().add('A', 'evil.example', '192.0.2.1');
    const theirs = new TableResolver().add('A', 'evil.example', '192.0.2.2');
    const locator = locatorOf(ours, { peersResolver: theirs });
    const hop = { protocol: 'udp', host: 'evil.example', port: 5060, transportGiven: false } as const;
    const ofPeer = await locator.targets({ ...hop, isNamedByPeer: true }).next();
    expect(ofPeer.value).toMatchObject({ address: '192.0.2.2' });
    expect((await locator.targets(hop).next()).value).toMatchObject({ address: '192.0.2.1' });
  });
});

describe('a DNS that does not answer', () => {
  it('for NAPTR is as good as one without it', async () => {
    const resolver = new TableResolver().fail('NAPTR', 'example.com').add('A', 'example.com', '192.0.2.1');
    expect(await located('sip:x@example.com', resolver)).toEqual(['udp 192.0.2.1:5060']);
  });

  it('for SRV is a failure: the address of the domain may be anything but its SIP server', async () => {
    const resolver = new TableResolver()
      .fail('SRV', '_sip._udp.example.com')
      .add('A', 'example.com', '192.0.2.1');
    await expect(located('sip:x@example.com', resolver)).rejects.toThrow('no answer');
    await expect(located('sip:x@example.com;transport=udp', resolver)).rejects.toThrow('no answer');
    expect(await located('sip:x@example.com;transport=tcp', resolver)).toEqual(['tcp 192.0.2.1:5060']);
  });

  it('for one service leaves another', async () => {
    const failed: string[] = [];
    const resolver = new TableResolver()
      .add('NAPTR', 'example.com', { service: 'SIP+D2U', replacement: '_sip._udp.example.com' })
      .fail('SRV', '_sip._udp.example.com')
      .add('SRV', '_sip._tcp.example.com', { name: 't.example.com' })
      .add('A', 't.example.com', '192.0.2.2');
    const options = { onFailure: (name: string) => failed.push(name) };
    expect(await located('sip:x@example.com', resolver, options)).toEqual(['tcp 192.0.2.2:5060']);
    expect(new Set(failed)).toEqual(new Set(['_sip._udp.example.com']));
  });

  it('for the address of the only server is a failure', async () => {
    const resolver = new TableResolver().fail('A', 'example.com');
    await expect(located('sip:x@example.com:5060', resolver)).rejects.toThrow('no answer');
  });

  it('for one kind of address leaves the other', async () => {
    const resolver = new TableResolver().fail('A', 'example.com').add('AAAA', 'example.com', '2001:db8::1');
    expect(await located('sip:x@example.com:5060', resolver)).toEqual(['udp 2001:db8::1:5060']);
  });
});
