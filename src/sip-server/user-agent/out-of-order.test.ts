import { describe, expect, it } from 'vitest';
import {
  app,
  core,
  dialogs,
  established,
  flow,
  request,
  respond,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';

useFreshCores();

describe('requests of the far end in a call', () => {
  it('are refused where they come out of order, and taken after one whose CSeq is far too high', () => {
    const to = established({ CSeq: '5 INVITE' });
    const send = (cseq: number) => {
      core.receive(request('INFO', { To: to, CSeq: `${cseq} INFO` }), flow);
      if (app.heard.length > 0) respond(200);
      app.heard.length = 0;
    };
    for (const cseq of [6, 4, 900_000, 7, 7, 900_000, 8]) send(cseq);
    expect(flow.summary).toBe('200 500 200 200 500 500 200');
  });
});

describe('the end of a call', () => {
  // Was answered 500, and the call stayed up.
  it('comes with a BYE of the far end after a request whose CSeq is far too high, be it forged or not', () => {
    const to = established();
    core.receive(request('INFO', { To: to, CSeq: '2147483647 INFO' }), flow);
    respond(200);
    const bye = request('BYE', { To: to, CSeq: '2 BYE' });
    core.receive(bye, flow);
    expect(app.heard).toEqual(['INFO', 'BYE']);
    respond(200);
    core.receive(bye, flow);
    expect(flow.summary).toBe('200 200 200');
    expect(app.heard).toEqual(['INFO', 'BYE']);
    expect(dialogs.size).toBe(0);
  });

  it('comes with a BYE of the far end whose CSeq is too low, or which requires what we do not know', () => {
    let to = established({ CSeq: '7 INVITE' });
    core.receive(request('BYE', { To: to, CSeq: '3 BYE' }), flow);
    respond(200);
    expect(flow.summary).toBe('200');
    to = established();
    core.receive(request('BYE', { To: to, CSeq: '2 BYE', Require: 'foo' }), flow);
    respond(200);
    expect(flow.summary).toBe('200');
    expect(dialogs.size).toBe(0);
  });
});
