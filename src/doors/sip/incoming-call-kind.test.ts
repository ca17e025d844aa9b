/** Whose offer an INVITE without one is answered with. */
import { expect, it } from 'vitest';
import { settle, SipCallStage } from '../../../test/support/sip-call-stage.js';

const via = (transport: string): string => `SIP/2.0/${transport} 192.0.2.1;branch=z9hG4bK1`;

it.each([
  ['a phone', via('UDP'), 'phone'],
  ['a phone', via('TCP'), 'phone'],
  // Got a phone's offer, which no browser can answer.
  ['a browser', via('WSS'), 'browser'],
  ['a browser', via('ws'), 'browser'],
  ['a browser behind a proxy', `${via('UDP')},${via('WSS')}`, 'browser'],
  ['a phone behind a proxy with a WebSocket', `${via('WS')}, ${via('TCP')}`, 'phone'],
])('an INVITE without offer of %s (%s) is answered with one for it', async (_, hops, kind) => {
  const stage = await SipCallStage.open();
  const { token } = await stage.newCaller();
  const call = stage.newCall({ 'User-to-User': token, Via: hops }, '');
  void call.call.run();
  await settle();
  expect(call.response.status).toBe(200);
  expect(stage.domain.media.legs.map((leg) => leg.kind)).toEqual([kind]);
  await call.confirm();
  call.call.terminate({ endedBy: 'gateway', reason: 'gateway-stopping' });
});
