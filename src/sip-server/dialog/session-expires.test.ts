import { describe, expect, it } from 'vitest';
import { HeaderFields } from '../message/header-fields.js';
import {
  agreeAsClient,
  agreeAsServer,
  parseSessionExpires,
  sessionTimerDelaySeconds,
} from './session-expires.js';

const fields = (values: Record<string, string>): HeaderFields => new HeaderFields(Object.entries(values));

describe('Session-Expires', () => {
  it.each([
    ['1800', { seconds: 1800 }],
    ['1800;refresher=uac', { seconds: 1800, refresher: 'uac' }],
    ['90 ; refresher=uas;x=y', { seconds: 90, refresher: 'uas' }],
    ['90;refresher=UAS', { seconds: 90, refresher: 'uas' }],
    ['90;Refresher = Uac', { seconds: 90, refresher: 'uac' }],
    ['90;refresher=me', { seconds: 90 }],
    ['soon', null],
    ['-1', null],
    ['', null],
  ])('%j is read', (value, expected) => {
    expect(parseSessionExpires(fields({ 'Session-Expires': value }))).toEqual(expected);
  });

  // RFC 4028 table 2.
  it.each([
    ['timer', '1800', '1800;refresher=uac', false],
    ['timer', '1800;refresher=uac', '1800;refresher=uac', false],
    ['timer', '1800;refresher=uas', '1800;refresher=uas', true],
    ['', '1800', '1800;refresher=uas', true],
    ['', '20', '90;refresher=uas', true],
  ])('of a request that supports %j and says %s is answered %s', (supported, wanted, answer, weRefresh) => {
    const response = fields({});
    const terms = agreeAsServer(fields({ Supported: supported, 'Session-Expires': wanted }), response);
    expect(response.get('Session-Expires')).toBe(answer);
    expect(terms?.weRefresh).toBe(weRefresh);
    expect(response.get('Require')).toBe(weRefresh ? undefined : 'timer');
  });

  it('of the application counts before that of the request', () => {
    const response = fields({ 'Session-Expires': '600', Require: 'timer' });
    agreeAsServer(fields({ Supported: 'timer', 'Session-Expires': '1800' }), response);
    expect(response.get('Session-Expires')).toBe('600;refresher=uac');
    expect(response.all('Require')).toEqual(['timer']);
  });

  it('of nobody is no timer', () => {
    const response = fields({});
    expect(agreeAsServer(fields({ Supported: 'timer' }), response)).toBeNull();
    expect(response.size).toBe(0);
    expect(agreeAsClient(fields({}), response)).toBeNull();
  });

  it.each([
    ['is offered to who knows timers and asks for none', { Supported: 'timer' }, '1800;refresher=uas'],
    ['is not offered to who does not know timers', { Supported: '100rel' }, undefined],
    [
      'is no shorter than who takes none shorter',
      { Supported: 'timer', 'Min-SE': '3600' },
      '3600;refresher=uas',
    ],
    [
      'is as it is for who takes shorter ones',
      { Supported: 'timer', 'Min-SE': '120;x=y' },
      '1800;refresher=uas',
    ],
    ['is not offered to who takes none of a month', { Supported: 'timer', 'Min-SE': '2592000' }, undefined],
    ['is what the request asks for', { Supported: 'timer', 'Session-Expires': '600' }, '600;refresher=uac'],
  ])('of ours %s', (_, request, answer) => {
    const response = fields({});
    agreeAsServer(fields(request), response, 1800);
    expect(response.get('Session-Expires')).toBe(answer);
  });

  it('in a response to us makes us refresh unless it says otherwise', () => {
    const terms = (asked: string, answered?: string) =>
      agreeAsClient(
        fields({ 'Session-Expires': asked }),
        fields(answered === undefined ? {} : { 'Session-Expires': answered }),
      );
    expect(terms('100', '90')).toEqual({ seconds: 90, weRefresh: true });
    expect(terms('100;refresher=uac', '90;refresher=uas')).toEqual({ seconds: 90, weRefresh: false });
    expect(terms('100;refresher=uac')).toEqual({ seconds: 100, weRefresh: true });
    expect(terms('100;refresher=uas')).toBeNull();
    expect(terms('100')).toBeNull();
  });

  it.each(['0', '1', '89', '0;refresher=uac', '0;refresher=uas'])(
    'is never agreed to be shorter than 90 seconds, whoever wrote %s',
    (value) => {
      const theirs = fields({ 'Session-Expires': value });
      const ours = fields({ 'Session-Expires': '1800;refresher=uac' });
      const silent = fields({});
      for (const terms of [
        agreeAsClient(ours, theirs),
        agreeAsClient(silent, theirs),
        agreeAsClient(fields({ 'Session-Expires': '0;refresher=uac' }), silent),
        agreeAsServer(fields({ Supported: 'timer', 'Session-Expires': value }), fields({})),
        agreeAsServer(theirs, fields({})),
        agreeAsServer(silent, theirs),
        agreeAsServer(fields({ Supported: 'timer' }), fields({}), 0),
      ])
        expect(terms?.seconds).toBe(90);
    },
  );

  it('is acted on at half time by the refresher, shortly before the end by the other', () => {
    expect(sessionTimerDelaySeconds({ seconds: 1800, weRefresh: true })).toBe(900);
    expect(sessionTimerDelaySeconds({ seconds: 1800, weRefresh: false })).toBe(1768);
    expect(sessionTimerDelaySeconds({ seconds: 90, weRefresh: false })).toBe(60);
  });
});
