import { beforeEach, describe, expect, it } from 'vitest';
import { account, type DomainFixture } from '../../../test/support/domain-fixture.js';
import { offer, Request, Response, settle, SipCallStage } from '../../../test/support/sip-call-stage.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import { drachtioServer } from './server-traits.js';
import { ownServer } from './server-traits.js';

describe('a SIP call', () => {
  let stage: SipCallStage;
  let domain: DomainFixture;
  beforeEach(async () => {
    stage = await SipCallStage.open();
    ({ domain } = stage);
  });
  const newCall: SipCallStage['newCall'] = (...parameters) => stage.newCall(...parameters);
  const newCaller: SipCallStage['newCaller'] = () => stage.newCaller();
  const established: SipCallStage['established'] = (body) => stage.established(body);
  const expectNothingLeft: SipCallStage['expectNothingLeft'] = (call) => stage.expectNothingLeft(call);

  it('is answered with the media’s description and joined at the ACK, not before', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': `${created.token};encoding=jwt` });
    await Promise.all([call.call.run(), settle().then(() => call.confirm())]);
    expect(call.response.sent).toMatchObject([{ status: 200, options: { body: `answer to ${offer}` } }]);
    expect(domain.ofType('call.answered')).toHaveLength(1);
    expect(domain.ofType('participant.joined')).toHaveLength(0);
    call.dialog.emit('ack', new Request('ACK'));
    expect(domain.ofType('participant.joined')).toHaveLength(1);
    expect(domain.clock.pending).toBe(0);
  });

  it('tells the media where its signalling comes from, whatever server it came through', async () => {
    for (const offered of [offer, '']) {
      const { media } = await established(offered);
      expect(media.request.signallingAddress).toBe('192.0.2.1');
    }
  });

  it('without offer gets ours, and the answer in its ACK reaches the media before it joins', async () => {
    const { media } = await established('');
    expect(media.log).toContain('accept their answer');
    expect(domain.ofType('participant.joined')).toHaveLength(1);
  });

  it('without offer whose ACK brings no usable answer is ended', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token }, '');
    void call.call.run();
    await settle();
    await call.confirm();
    domain.mediaOf(created).connection('main').accept = () =>
      Promise.reject(new MediaRefusal('bad-sdp', 'empty'));
    call.dialog.emit('ack', new Request('ACK'));
    await settle();
    expect(call.dialog.byes).toHaveLength(1);
    expect(domain.ofType('participant.joined')).toHaveLength(0);
    await expectNothingLeft(call);
  });

  it.each([
    ['none', {}],
    ['one with an impossible port', { Contact: '<sip:x@192.0.2.1:99999>' }],
  ])(
    'whose Contact is %s is refused with 400 behind a drachtio-server and nothing else happens',
    async (_, headers) => {
      const { token } = await newCaller();
      const call = newCall({ 'User-to-User': token, Contact: '', ...headers }, offer, drachtioServer);
      await call.call.run();
      expect(call.response.sent).toMatchObject([
        { status: 400, options: { headers: { Reason: 'SIP;cause=400;text="bad-contact"' } } },
      ]);
      expect(domain.media.legs).toHaveLength(0);
      await expectNothingLeft(call);
    },
  );

  it('that shows no credential is refused, counted, and opens no media', async () => {
    const call = newCall({});
    await call.call.run();
    expect(call.response.sent).toMatchObject([
      { status: 403, options: { headers: { Reason: 'SIP;cause=403;text="token-missing"' } } },
    ]);
    expect(call.refusals).toEqual(['token-missing']);
    expect(domain.media.legs).toHaveLength(0);
    await expectNothingLeft(call);
  });

  it.each([
    ['bad-sdp', 400],
    ['no-common-codec', 488],
    ['overloaded', 503],
  ] as const)('that the media refuses as %s gets %i, and its slot is free', async (code, status) => {
    const created = await newCaller();
    domain.media.refuseNext(new MediaRefusal(code, ''));
    const call = newCall({ 'X-Landbridge-Token': created.token });
    await call.call.run();
    expect(call.response.status).toBe(status);
    expect(call.refusals).toEqual([code]);
    expect(await domain.isSlotFree(created)).toBe(true);
    await expectNothingLeft(call);
  });

  it('gets 503 where the store is gone', async () => {
    const { token } = await newCaller();
    await domain.stores.close();
    const call = newCall({ 'User-to-User': token });
    await call.call.run();
    expect(call.response.status).toBe(503);
    await expectNothingLeft(call);
  });

  it('gets 503 at the deadline where the media never comes, and what comes later is closed', async () => {
    const created = await newCaller();
    const release = domain.media.delayNext();
    const call = newCall({ 'User-to-User': created.token });
    const run = call.call.run();
    await settle();
    domain.clock.advance(9_999);
    expect(call.response.sent).toHaveLength(0);
    domain.clock.advance(1);
    expect(call.response.status).toBe(503);
    release();
    await run;
    expect(await domain.isSlotFree(created)).toBe(true);
    expect(call.refusals).toEqual(['overloaded']);
    await expectNothingLeft(call);
  });

  it('that was canceled while its media was opened is neither answered nor counted as refused', async () => {
    const created = await newCaller();
    const release = domain.media.delayNext();
    const call = newCall({ 'User-to-User': created.token });
    const run = call.call.run();
    await settle();
    call.request.emit('cancel', new Request('CANCEL'));
    release();
    await run;
    expect(call.response.sent).toEqual([]);
    expect(call.refusals).toEqual([]);
    expect(domain.ofType('call.ended')).toMatchObject([{ data: { outcome: { reason: 'canceled' } } }]);
    expect(await domain.isSlotFree(created)).toBe(true);
    await expectNothingLeft(call);
  });

  it('that was canceled before it was admitted leaves nothing', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token });
    const run = call.call.run();
    call.request.emit('cancel', new Request('CANCEL'));
    await run;
    expect(call.response.sent).toEqual([]);
    expect(await domain.isSlotFree(created)).toBe(true);
    await expectNothingLeft(call);
  });

  it('that was canceled while the 200 was on its way leaves nothing', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token });
    const run = call.call.run();
    await settle();
    call.request.emit('cancel', new Request('CANCEL'));
    await call.fail('Response not sent due to unknown transaction');
    await run;
    expect(call.refusals).toEqual([]);
    await expectNothingLeft(call);
  });

  it('whose CANCEL crossed the 200 was canceled by the caller, not refused', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token });
    const run = call.call.run();
    await settle();
    await call.fail('Response not sent due to unknown transaction');
    await run;
    expect(call.refusals).toEqual([]);
    expect(domain.ofType('call.ended')).toMatchObject([
      { data: { outcome: { endedBy: 'participant', reason: 'canceled' } } },
    ]);
    await expectNothingLeft(call);
  });

  it('whose 200 could not be sent leaves no leg behind', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token });
    const run = call.call.run();
    await settle();
    await call.fail(new Error('no such transport'));
    await run;
    expect(await domain.isSlotFree(created)).toBe(true);
    await expectNothingLeft(call);
  });

  it('hears what is read in the very turn in which its dialog comes to be', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token });
    call.onConfirmed = () => call.dialog.emit('destroy', new Request('BYE'));
    void call.call.run();
    await settle();
    await call.confirm();
    expect(domain.ofType('call.answered')).toHaveLength(1);
    expect(domain.ofType('call.ended')).toMatchObject([{ data: { outcome: { reason: 'hangup' } } }]);
    expect(domain.ofType('participant.joined')).toHaveLength(0);
    expect(call.dialog.byes).toEqual([]);
    await expectNothingLeft(call);
  });

  it('whose participant is deleted while it is being answered gets 404', async () => {
    const created = await newCaller();
    const release = domain.media.delayNext();
    const call = newCall({ 'User-to-User': created.token });
    const run = call.call.run();
    await settle();
    await domain.sessions.deleteParticipant(account, created.participant.id);
    release();
    await run;
    expect(call.response.sent).toMatchObject([
      { status: 404, options: { headers: { Reason: 'SIP;cause=404;text="participant-deleted"' } } },
    ]);
    expect(call.refusals).toEqual([]);
    await expectNothingLeft(call);
  });

  it('whose participant is deleted while the 200 is on its way is ended with BYE', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token });
    void call.call.run();
    await settle();
    await domain.sessions.deleteParticipant(account, created.participant.id);
    await call.confirm();
    expect(call.dialog.byes).toEqual([{ headers: { Reason: 'Q.850;cause=16;text="participant-deleted"' } }]);
    await expectNothingLeft(call);
  });

  it('ends with the far end’s BYE and keeps the far end’s words', async () => {
    const call = await established();
    call.dialog.emit('destroy', new Request('BYE', { Reason: 'Q.850;cause=17;text="User busy"' }));
    expect(domain.ofType('participant.left')).toMatchObject([
      {
        data: {
          outcome: { endedBy: 'participant', reason: 'hangup', q850Cause: 17, text: 'User busy' },
        },
      },
    ]);
    expect(call.dialog.byes).toEqual([]);
    await expectNothingLeft(call);
  });

  it('is ended as no-ack where the server says BYE before an ACK came', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token });
    void call.call.run();
    await settle();
    await call.confirm();
    call.dialog.emit('destroy', new Request('BYE', {}, '', 'application'));
    expect(domain.ofType('call.ended')).toMatchObject([
      { data: { outcome: { endedBy: 'gateway', reason: 'no-ack' } } },
    ]);
    expect(domain.ofType('participant.left')).toHaveLength(0);
    await expectNothingLeft(call);
  });

  it('is ended by our BYE, once, when the application says so', async () => {
    const call = await established();
    await domain.sessions.deleteParticipant(account, call.created.participant.id);
    call.dialog.emit('destroy', new Request('BYE'));
    expect(call.dialog.byes).toEqual([{ headers: { Reason: 'Q.850;cause=16;text="participant-deleted"' } }]);
    expect(domain.ofType('participant.left')).toHaveLength(1);
    await expectNothingLeft(call);
  });

  it('is ended when the connection to the SIP server is lost', async () => {
    const call = await established();
    call.call.connectionLost(0);
    expect(call.dialog.byes).toEqual([]);
    expect(domain.ofType('participant.left')).toMatchObject([
      { data: { outcome: { endedBy: 'gateway', reason: 'connection-lost' } } },
    ]);
    await expectNothingLeft(call);
  });

  it('is held and resumed by the directions of re-INVITEs', async () => {
    const { dialog } = await established();
    for (const direction of ['sendonly', 'sendonly', 'sendrecv']) {
      const response = new Response();
      dialog.emit('modify', new Request('INVITE', {}, `${offer}a=${direction}\r\n`), response);
      await settle();
      expect(response.status).toBe(200);
      expect(response.sent[0]!.options.body).toContain(`a=${direction}`);
    }
    expect(domain.ofType('call.held')).toHaveLength(1);
    expect(domain.ofType('call.resumed')).toHaveLength(1);
  });

  it('survives a re-INVITE that it must refuse', async () => {
    const { dialog, media, created } = await established();
    media.connection('main').answer = () => Promise.reject(new MediaRefusal('no-common-codec', ''));
    const response = new Response();
    dialog.emit('modify', new Request('INVITE', {}, offer), response);
    await settle();
    expect(response.status).toBe(488);
    expect(await domain.isSlotFree(created)).toBe(false);
    expect(domain.ofType('call.held')).toHaveLength(0);
  });

  it('answers an UPDATE without body with 200 and one with an offer with an answer', async () => {
    const { dialog, media } = await established();
    const [empty, full] = [new Response(), new Response()];
    dialog.emit('update', new Request('UPDATE'), empty);
    expect(empty.sent).toEqual([{ status: 200, options: {} }]);
    dialog.emit('update', new Request('UPDATE', {}, offer), full);
    await settle();
    expect(full.sent[0]!.options.body).toBe(`answer to ${offer}`);
    expect(media.log.filter((line) => line.startsWith('answer'))).toHaveLength(1);
  });

  it('hears key presses in INFO and refuses other bodies', async () => {
    const { dialog } = await established();
    const cases: [Record<string, string>, string, number][] = [
      [{ 'Content-Type': 'application/dtmf-relay' }, 'Signal=9\r\nDuration=100', 200],
      [{ 'Content-Type': 'application/dtmf-relay' }, 'Signal=nonsense', 415],
      [{ 'Content-Type': 'text/plain' }, '9', 415],
      [{}, '', 200],
    ];
    for (const [headers, body, status] of cases) {
      const response = new Response();
      dialog.emit('info', new Request('INFO', headers, body), response);
      expect(response.status).toBe(status);
      const accept =
        status === 415 ? 'application/dtmf-relay, application/dtmf, audio/telephone-event' : undefined;
      expect(response.sent[0]?.options.headers?.['Accept']).toBe(accept);
    }
    expect(domain.ofType('dtmf.received')).toMatchObject([{ data: { digit: '9', durationMs: 100 } }]);
  });

  it('answers OPTIONS with what it can (RFC 3261 §11.2)', async () => {
    const { dialog } = await established();
    const response = new Response();
    dialog.emit('options', new Request('OPTIONS'), response);
    expect(response.sent).toMatchObject([
      {
        status: 200,
        options: { headers: { Allow: ownServer.allow, Accept: 'application/sdp, multipart/mixed' } },
      },
    ]);
  });

  it('offers anew when its media asks, but only once the ACK is there', async () => {
    const created = await newCaller();
    const call = newCall({ 'User-to-User': created.token });
    void call.call.run();
    await settle();
    await call.confirm();
    domain.mediaOf(created).listener.onNegotiationNeeded('main');
    await settle();
    expect(call.dialog.reinvites).toHaveLength(0);
    call.dialog.emit('ack', new Request('ACK'));
    await settle();
    expect(call.dialog.reinvites).toMatchObject([{ body: 'offer of ours' }]);
  });

  it('behind a drachtio-server ends when nobody refreshes its session in time', async () => {
    const { token } = await newCaller();
    const fields = { 'User-to-User': token, 'Session-Expires': '90', Supported: 'timer' };
    const call = newCall(fields, offer, drachtioServer);
    void call.call.run();
    await settle();
    await call.confirm();
    const refresh = new Request('INVITE', { 'Session-Expires': '90;refresher=uac' }, offer);
    domain.clock.advance(80_000);
    call.dialog.emit('modify', refresh, new Response());
    await settle();
    domain.clock.advance(94_000);
    expect(call.dialog.byes).toEqual([]);
    domain.clock.advance(1000);
    expect(call.dialog.byes).toHaveLength(1);
    await expectNothingLeft(call);
  });

  it('behind a drachtio-server is refreshed by us where it does not know the timer that a proxy asked for', async () => {
    const { token } = await newCaller();
    const call = newCall({ 'User-to-User': token, 'Session-Expires': '90' }, offer, drachtioServer);
    void call.call.run();
    await settle();
    await call.confirm();
    call.dialog.emit('ack', new Request('ACK'));
    domain.clock.advance(30_000);
    await settle();
    expect(call.dialog.reinvites).toMatchObject([{ headers: { 'Session-Expires': '90;refresher=uac' } }]);
    expect(call.dialog.byes).toEqual([]);
  });
});
