import { describe, expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { parseProxyOrder } from '../drachtio/proxy-command.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import { Addressing } from '../user-agent/addressing.js';
import { bestRefusal, forwardRequest, forwardResponse } from './forwarding.js';
import { OwnRoutes } from './own-routes.js';

const noBody = Buffer.alloc(0);

function request(method: string, fields: [string, string][]): SipRequest {
  return { kind: 'request', method, uri: 'sip:b@b.example', headers: new HeaderFields(fields), body: noBody };
}

function refusal(status: number): SipResponse {
  return { kind: 'response', status, reason: 'No', headers: new HeaderFields([]), body: noBody };
}

const asItIs = {
  via: 'SIP/2.0/UDP us;branch=z9hG4bK9',
  uri: null,
  recordRoutes: [],
  fields: new HeaderFields([]),
};

describe('a request that is passed on', () => {
  it('has one hop less, our Via on top, and what the application wants of what it may change', () => {
    const came = request('INVITE', [
      ['Via', 'SIP/2.0/UDP a;branch=z9hG4bK1'],
      ['Max-Forwards', '7'],
      ['From', '<sip:a@a>;tag=1'],
      ['Subject', 'old'],
    ]);
    const fields = new HeaderFields([
      ['Subject', 'new'],
      ['From', '<sip:else@a>'],
      ['X-More', 'yes'],
    ]);
    const went = forwardRequest(came, { ...asItIs, fields, uri: 'sip:c@c.example' });
    expect(went.uri).toBe('sip:c@c.example');
    expect(went.headers.all('Via')).toEqual([asItIs.via, 'SIP/2.0/UDP a;branch=z9hG4bK1']);
    expect(['Max-Forwards', 'From', 'Subject', 'X-More'].map((name) => went.headers.get(name))).toEqual([
      ...['6', '<sip:a@a>;tag=1', 'new', 'yes'],
    ]);
    expect(came.headers.get('Max-Forwards')).toBe('7');
  });

  it('has our Record-Route on top of others, and a REGISTER a Path that the registrar must understand', () => {
    const recordRoutes = ['<sip:near;lr>', '<sip:far;lr>'];
    const fields: [string, string][] = [['Record-Route', '<sip:before;lr>']];
    const invite = forwardRequest(request('INVITE', fields), { ...asItIs, recordRoutes });
    expect(invite.headers.all('Record-Route')).toEqual(['<sip:far;lr>', '<sip:near;lr>', '<sip:before;lr>']);
    const register = forwardRequest(request('REGISTER', []), { ...asItIs, recordRoutes });
    expect(register.headers.all('Path')).toEqual(['<sip:far;lr>', '<sip:near;lr>']);
    expect(register.headers.get('Require')).toBe('path');
  });
});

it('a response goes back without our Via, also where all stand in one field', () => {
  const response = refusal(486);
  response.headers.append('Via', 'SIP/2.0/UDP us;branch=1, SIP/2.0/UDP a;branch=2');
  expect(forwardResponse(response).headers.all('Via')).toEqual(['SIP/2.0/UDP a;branch=2']);
});

it.each([
  [[404, 486, 503], 404],
  [[404, 401], 401],
  [[302, 404], 302],
  [[603, 404], 603],
  [[503, 500], 503],
] as const)('of the refusals %j the caller hears %i', (statuses, best) => {
  expect(bestRefusal(statuses.map(refusal))?.status).toBe(best);
});

describe('a route of ours', () => {
  const addressing = new Addressing({});
  const routes = new OwnRoutes(addressing);
  const udp = new RecordedFlow('udp');
  const free = (flow: Flow) => ({ flow, isBound: false });
  const begun = { callId: 'call', fromTag: 'caller', toTag: '' };
  const ofCaller = { callId: 'call', fromTag: 'caller', toTag: 'callee' };
  const ofCallee = { callId: 'call', fromTag: 'callee', toTag: 'caller' };

  it('is taken from what belongs to its call, and from nothing else', () => {
    const [route = ''] = routes.recordRoutes(begun, free(udp), free(udp));
    const bye = (value: string): SipRequest => request('BYE', [['Route', `${value}, <sip:next;lr>`]]);
    for (const names of [ofCaller, ofCallee]) {
      const ours = bye(route);
      expect(routes.take(ours, names)).not.toBeNull();
      expect(ours.headers.get('Route')).toBe('<sip:next;lr>');
    }
    expect(routes.take(bye(route), { ...ofCaller, callId: 'another call' })).toBeNull();
    expect(routes.take(bye(route), { ...ofCaller, fromTag: 'another caller' })).toBeNull();
    expect(routes.take(bye('<sip:127.0.0.1:5060;lr>'), ofCaller)).toBeNull();
    expect(new OwnRoutes(addressing).take(bye(route), ofCaller)).toBeNull();
  });

  it.each([
    [['198.51.100.1', '203.0.113.1'], ['192.0.2.9'], ['10.0.0.9', '127.0.0.1', '0.0.0.0', '::1']],
    [
      ['198.51.100.1', '10.0.0.1'],
      ['192.0.2.9', '192.168.0.9'],
      ['127.0.0.1', '0.0.0.0'],
    ],
    [['127.0.0.1', '127.0.0.1'], ['192.0.2.9', '127.0.0.9'], ['10.0.0.9']],
  ])('of a call between %j leads to %j, and not to %j', ([from = '', to = ''], allowed, forbidden) => {
    const at = (address: string) => new RecordedFlow('udp', address);
    const [route = ''] = routes.recordRoutes(begun, free(at(from)), free(at(to)));
    const mayTake = routes.take(request('BYE', [['Route', route]]), ofCaller)?.mayTake;
    expect(allowed.map((address) => mayTake?.(at(address)))).toEqual(allowed.map(() => true));
    expect(forbidden.map((address) => mayTake?.(at(address)))).toEqual(forbidden.map(() => false));
    const forged = route.replace(/passed-on=\w*-/, 'passed-on=lp-');
    if (forged !== route) expect(routes.take(request('BYE', [['Route', forged]]), ofCaller)).toBeNull();
  });

  it('is one for each side where they come by different transports (RFC 5658), and both are taken', () => {
    const both = routes.recordRoutes(begun, free(udp), free(new RecordedFlow('tcp')));
    expect(both).toHaveLength(2);
    const bye = request('BYE', [['Route', [...both].reverse().join(', ')]]);
    expect(routes.take(bye, ofCaller)).not.toBeNull();
    expect(bye.headers.has('Route')).toBe(false);
  });

  it('names the connection of a side that is reached by it alone, to the other side, and only in its call (RFC 5626 §5.2)', () => {
    const browser = new RecordedFlow('wss', '198.51.100.7');
    const both = routes.recordRoutes(begun, { flow: browser, isBound: true }, free(udp));
    const [near = '', far = ''] = both;
    // The callee's route set is as we wrote it, the caller's the other way round (RFC 3261 §12.1).
    const taken = (routesOfRequest: string[], names: typeof begun) =>
      routes.take(request('BYE', [['Route', routesOfRequest.join(', ')]]), names);
    expect(taken([far, near], ofCallee)?.flow).toBe(browser);
    expect(taken([near, far], ofCaller)?.flow).toBeUndefined();
    const other = routes.recordRoutes({ ...begun, callId: 'mine' }, free(udp), free(udp))[0] ?? '';
    const stolen = other.replace('<sip:', `<sip:${/sip:([^@]+)@/.exec(near)?.[1] ?? ''}@`);
    expect(taken([stolen], { ...ofCaller, callId: 'mine' })).toBeNull();
    routes.flowClosed(browser);
    expect(taken([far, near], ofCallee)?.flow).toBeNull();
  });

  it('of a registration leads to who registered, in whatever call', () => {
    const browser = new RecordedFlow('ws', '198.51.100.8');
    const paths = routes.paths({ flow: browser, isBound: true }, free(udp), true);
    expect(paths.map((path) => path.includes(';ob>'))).toEqual([true, false]);
    const invite = request('INVITE', [['Route', [...paths].reverse().join(', ')]]);
    expect(routes.take(invite, ofCaller)).toBeNull();
    expect(routes.takePaths(invite)?.flow).toBe(browser);
    expect(invite.headers.has('Route')).toBe(false);
    const [forged = ''] = routes.paths(free(browser), free(udp), true);
    expect(
      routes.takePaths(request('INVITE', [['Route', forged.replace('<sip:', '<sip:else@')]])),
    ).toBeNull();
  });
});

it('the command of an application is read, and refused where it names nobody', () => {
  const raw = Buffer.from('INVITE sip:x SIP/2.0\r\nX-A: 1\r\n\r\n');
  const tokens = 'proxy|id|remainInDialog|fullResponse||simultaneous|1500ms|2s|sip:a|sip:b'.split('|');
  expect(parseProxyOrder(tokens, raw)).toMatchObject({
    ...{
      destinations: ['sip:a', 'sip:b'],
      isSimultaneous: true,
      remainsInDialog: true,
      followsRedirects: false,
    },
    ...{ provisionalTimeoutMs: 1500, finalTimeoutMs: 2000 },
  });
  expect(parseProxyOrder(['proxy', 'id', '', '', '', 'serial', '', ''], raw)).toBeNull();
  expect(parseProxyOrder(tokens, undefined)).toBeNull();
});
