/** What applications need not know of, in requests and responses. */
import { describe, expect, it, vi } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  app,
  answerTo,
  core,
  draft,
  established,
  flow,
  lastTo,
  publicId,
  request,
  respond,
  sdp,
  settle,
  useFlow,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest } from '../message/message.js';
import { inBrackets } from './requests.js';

useFreshCores();

describe('a connection', () => {
  it('is used while a call goes over it, or a request of it has no answer, and known after that', () => {
    const other = new RecordedFlow('tcp', '127.0.0.1', 5099);
    useFlow(new RecordedFlow('tcp'));
    expect(core.standingOf(flow)).toBe('stranger');
    core.receive(request('INVITE', {}, sdp), flow);
    expect(core.standingOf(flow)).toBe('used');
    respond(200, {}, sdp);
    core.receive(request('ACK', { To: lastTo() }), flow);
    expect([core.standingOf(flow), core.standingOf(other)]).toEqual(['used', 'stranger']);
    core.receive(request('BYE', { To: lastTo(), CSeq: '2 BYE' }), flow);
    respond(200);
    expect(core.standingOf(flow)).toBe('known');
    core.flowClosed(flow);
    expect(core.standingOf(flow)).toBe('stranger');
  });

  it('is a stranger’s while all is refused that comes by it, and where only OPTIONS is answered', () => {
    useFlow(new RecordedFlow('tcp'));
    core.receive(request('INVITE', {}, sdp), flow);
    respond(403);
    expect(core.standingOf(flow)).toBe('stranger');
    core.receive(request('OPTIONS', { 'Call-ID': 'other' }), flow);
    respond(200);
    expect(core.standingOf(flow)).toBe('stranger');
  });

  it('is used by a call that moved to it, and no longer by one that moved away', () => {
    const old = new RecordedFlow('tcp', '127.0.0.1', 5099);
    useFlow(old);
    const to = established();
    useFlow(new RecordedFlow('tcp'));
    core.receive(request('INVITE', { To: to, CSeq: '2 INVITE' }, sdp), flow);
    respond(200, {}, sdp);
    expect([core.standingOf(flow), core.standingOf(old)]).toEqual(['used', 'known']);
  });

  it.each([
    ['for the time that the registrar grants', { Contact: '<sip:a@127.0.0.1>;expires=60' }, 60],
    ['by its Expires field', { Contact: '<sip:a@127.0.0.1>', Expires: '90' }, 90],
    ['for an hour where it says nothing', { Contact: '<sip:a@127.0.0.1>' }, 3600],
  ])('is used by a registration %s', (_what, fields, seconds) => {
    useFlow(new RecordedFlow('ws'));
    core.receive(request('REGISTER', {}), flow);
    respond(200, fields);
    vi.advanceTimersByTime(seconds * 1000 - 1);
    expect(core.standingOf(flow)).toBe('used');
    vi.advanceTimersByTime(1);
    expect(core.standingOf(flow)).toBe('known');
  });

  it('is not used by a registration that was taken back', () => {
    useFlow(new RecordedFlow('ws'));
    core.receive(request('REGISTER', {}), flow);
    respond(200, { Contact: '<sip:a@127.0.0.1>;expires=60' });
    core.receive(request('REGISTER', { CSeq: '2 REGISTER' }), flow);
    respond(200);
    expect(core.standingOf(flow)).toBe('known');
  });
});

describe('OPTIONS', () => {
  it('with a hop limit of zero is for us, and an INVITE with it goes no further', () => {
    core.receive(request('OPTIONS', { 'Max-Forwards': '0' }), flow);
    expect(app.heard).toEqual(['OPTIONS']);
    core.receive(request('INVITE', { 'Max-Forwards': '0', 'Call-ID': 'other' }, sdp), flow);
    expect(flow.responses.at(-1)?.status).toBe(483);
  });
});

describe('Allow', () => {
  it('names nothing that nobody asked for: no REFER, no NOTIFY', () => {
    core.receive(request('INVITE', {}, sdp), flow);
    respond(200, {}, sdp);
    expect(flow.responses.at(-1)?.headers.get('Allow')).toBe(
      'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, PRACK',
    );
  });
});

describe('a provisional response', () => {
  it('has one RSeq, ours, where the application copied another’s; its PRACK is taken', () => {
    core.receive(request('INVITE', { Supported: '100rel' }, sdp), flow);
    respond(183, { Require: '100rel', RSeq: '4711' }, sdp);
    const response = flow.responses.at(-1);
    const [rseq, ...more] = response?.headers.all('RSeq') ?? [];
    expect(more).toEqual([]);
    expect(rseq).not.toBe('4711');
    core.receive(request('PRACK', { To: lastTo(), CSeq: '2 PRACK', RAck: `${rseq} 1 INVITE` }), flow);
    expect(app.heard).toEqual(['INVITE', 'PRACK']);
    respond(200);
    core.receive(request('CANCEL'), flow);
  });

  it('has none where the caller does not know of it', () => {
    core.receive(request('INVITE', {}, sdp), flow);
    respond(183, { RSeq: '4711' }, sdp);
    expect(flow.responses.at(-1)?.headers.has('RSeq')).toBe(false);
    respond(200, { RSeq: '4711' }, sdp);
    expect(flow.responses.at(-1)?.headers.has('RSeq')).toBe(false);
    core.receive(request('ACK', { To: lastTo() }), flow);
  });
});

describe('a call of ours that is accepted without a tag', () => {
  const invite = (): SipRequest => ({
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:far@127.0.0.1:5070',
    headers: new HeaderFields([]),
    body: Buffer.from(sdp),
  });

  it('is acknowledged and ended, and its application hears that it failed, once', async () => {
    await core.sendNew(invite(), app);
    const [sent] = flow.requests;
    const ok = answerTo(sent ?? request('INVITE'));
    ok.headers.set('To', '<sip:far@127.0.0.1:5070>');
    // Was dropped, and createUAC waited for ever.
    core.receive(ok, flow);
    await settle();
    expect(app.heard).toEqual(['500']);
    expect(flow.summary).toBe('INVITE ACK BYE');
    core.receive(ok, flow);
    await settle();
    expect(app.heard).toEqual(['500']);
    expect(flow.requests.filter(({ method }) => method === 'BYE')).toHaveLength(1);
    const bye = flow.requests.find(({ method }) => method === 'BYE');
    if (bye) core.receive(answerTo(bye), flow);
  });
});

describe('our Contact', () => {
  it.each([
    ['sip:gw@192.0.2.1:5060', '<sip:gw@192.0.2.1:5060>'],
    ['sip:gw@192.0.2.1;transport=tcp', '<sip:gw@192.0.2.1;transport=tcp>'],
    [
      'sip:gw@192.0.2.1;transport=tcp;expires=60;+sip.instance="x"',
      '<sip:gw@192.0.2.1;transport=tcp>;expires=60;+sip.instance="x"',
    ],
    ['<sip:gw@192.0.2.1;ob>;q=1', '<sip:gw@192.0.2.1;ob>;q=1'],
    ['"A, B" <sip:gw@192.0.2.1>', '"A, B" <sip:gw@192.0.2.1>'],
    ['sip:a@192.0.2.1, <sip:b@192.0.2.1>', '<sip:a@192.0.2.1>, <sip:b@192.0.2.1>'],
    ['*', '*'],
  ])('stands in brackets: %s', (own, written) => {
    expect(inBrackets(own)).toBe(written);
  });

  it('stands in brackets with what makes it reachable over TCP, in requests and responses', async () => {
    useFlow(new RecordedFlow('tcp'));
    core.receive(request('INVITE', {}, sdp), flow);
    respond(200, { Contact: 'sip:gw@localhost' }, sdp);
    const contact = flow.responses.at(-1)?.headers.get('Contact');
    expect(contact).toMatch(/^<sip:gw@127\.0\.0\.1:\d+;transport=tcp>$/);
    core.receive(request('ACK', { To: lastTo() }), flow);
    await core.sendInDialog(
      publicId(),
      {
        ...request('INVITE', { Contact: 'sip:gw@localhost' }),
        headers: draft(200, { Contact: 'sip:gw@localhost' }).headers,
      },
      app,
    );
    expect(flow.requests.at(-1)?.headers.get('Contact')).toBe(contact);
  });
});
