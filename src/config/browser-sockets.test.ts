import { describe, expect, it } from 'vitest';
import { useConfigDirectory } from '../../test/support/config-directory.js';

const { problemsOf } = useConfigDirectory();

describe('The configuration', () => {
  it('refuses ports for browsers that are others’, or too few', () => {
    const two = { LANDBRIDGE_WORKERS: '2' };
    expect(problemsOf({ ...two, LANDBRIDGE_BROWSER_SHARED_PORT: '19999' })).toEqual([
      'browser.sharedPort: 20000 lies within rtp.ports',
    ]);
    expect(problemsOf({ ...two, LANDBRIDGE_BROWSER_SHARED_PORT: '5059' })).toEqual([
      'browser.sharedPort: 5060 is a port of SIP',
    ]);
    expect(problemsOf({ ...two, LANDBRIDGE_BROWSER_SHARED_PORT: '65535' })).toEqual([
      'browser.sharedPort: there are not 2 ports from 65535 on',
    ]);
    expect(problemsOf({ ...two, LANDBRIDGE_BROWSER_SHARED_PORT: '19000' })).toEqual([]);
    expect(problemsOf({ ...two, LANDBRIDGE_BROWSER_TCP_PORT: '8079' })).toEqual([
      'browser.tcpPort: 8080 is http.port',
    ]);
    expect(problemsOf({ ...two, LANDBRIDGE_BROWSER_TCP_PORT: '5060' })).toEqual([
      'browser.tcpPort: 5060 is a port of SIP',
    ]);
    // TCP has numbers of its own.
    expect(
      problemsOf({ ...two, LANDBRIDGE_BROWSER_SHARED_PORT: '19000', LANDBRIDGE_BROWSER_TCP_PORT: '19000' }),
    ).toEqual([]);
    expect(problemsOf({ LANDBRIDGE_BROWSER_PORTS: '29999-30099' })).toEqual([
      'browser.ports: overlaps rtp.ports',
    ]);
    expect(problemsOf({ LANDBRIDGE_BROWSER_PORTS: '5000-5100' })).toEqual([
      'browser.ports: 5060 among them is a port of SIP',
    ]);
    expect(problemsOf({ LANDBRIDGE_WORKERS: '3', LANDBRIDGE_BROWSER_PORTS: '30000-30001' })).toEqual([
      'browser.ports: too few for 3 media workers (the setting `workers`)',
    ]);
    expect(
      problemsOf({
        ...two,
        LANDBRIDGE_BROWSER_PORTS: '30000-30001',
        LANDBRIDGE_BROWSER_SHARED_PORT: '19000',
      }),
    ).toEqual(['browser.ports: beside browser.sharedPort no connection has a port of its own']);
    expect(problemsOf({ ...two, LANDBRIDGE_BROWSER_PORTS: '30000-30001' })).toEqual([]);
  });
});
