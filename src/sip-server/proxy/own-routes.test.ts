import { expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { HeaderFields } from '../message/header-fields.js';
import { Addressing } from '../user-agent/addressing.js';
import { OwnRoutes } from './own-routes.js';

const names = { callId: 'call', fromTag: 'near', toTag: 'far' };

it('a connection that closed before its route was written is not kept: nobody would tell of its end again', () => {
  const routes = new OwnRoutes(new Addressing({}));
  const browser = new RecordedFlow('wss', '198.51.100.7');
  const carrier = new RecordedFlow('udp', '203.0.113.1');
  const boundTo = (): RecordedFlow | null | undefined => {
    const written = routes.recordRoutes(
      names,
      { flow: browser, isBound: true },
      { flow: carrier, isBound: false },
    );
    const headers = new HeaderFields([['Route', written[0] ?? '']]);
    const body = Buffer.alloc(0);
    const request = { kind: 'request', method: 'BYE', uri: 'sip:a@b', headers, body } as const;
    return routes.take(request, names)?.flow as RecordedFlow | null | undefined;
  };
  expect(boundTo()).toBe(browser);
  routes.flowClosed(browser);
  browser.close();
  expect(boundTo()).toBeNull();
});
