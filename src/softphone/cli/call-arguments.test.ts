import { describe, expect, it } from 'vitest';
import { parseCallArguments } from './call-arguments.js';

describe('parseCallArguments', () => {
  it('reads everything', () => {
    expect(
      parseCallArguments(
        'sip:x@h:5070;transport=tcp --code AB/C --tone 700 --record o.wav --seconds 0 --dtmf 1# --codec OPUS,g722,opus --srtp'.split(
          ' ',
        ),
      ),
    ).toEqual({
      uri: 'sip:AB/C@h:5070;transport=tcp',
      seconds: 0,
      toneHz: 700,
      recordFile: 'o.wav',
      dtmf: '1#',
      codecs: ['opus', 'G722'],
      isEncrypted: true,
    });
    expect(parseCallArguments(['sip:h', '--token', 'a.b.c', '--play', 'x.wav', '--name', 'a phone'])).toEqual(
      {
        uri: 'sip:h',
        seconds: 10,
        token: 'a.b.c',
        playFile: 'x.wav',
        name: 'a phone',
      },
    );
  });

  it.each([
    ['127.0.0.1:5060', 'sip:127.0.0.1:5060'],
    ['room@example.com', 'sip:room@example.com'],
    ['example.com', 'sip:example.com'],
    ['localhost:5060', 'sip:localhost:5060'],
    ['SIP:a@h', 'sip:a@h'],
    ['sips:a@h:5061', 'sips:a@h:5061'],
    ['sip:a@h;transport=TLS', 'sip:a@h;transport=TLS'],
  ])('takes %s for %s', (text, uri) => {
    expect(parseCallArguments([text])).toMatchObject({ uri });
  });

  it.each([
    ['', 'a SIP URI is missing'],
    ['sip:a sip:b', 'one SIP URI, not 2'],
    ['tel:+1', 'not a sip: URI: tel:+1'],
    ['sip:a;transport=sctp', 'transport is udp, tcp or tls'],
    ['sips:a;transport=udp', 'sips: is TLS, which is not over UDP'],
    ['sip:a --seconds=-1', '--seconds is from 0 to 86400'],
    ['sip:a --dtmf x', '--dtmf takes 0-9, *, # and A-D'],
    ['sip:a --codec opus,gsm', '--codec is one or more of PCMU, PCMA, G722, opus'],
    ['sip:a --tone 5', '--tone is from 20 to 3900 Hz'],
  ])('says what is wrong with %j', (line, message) => {
    expect(parseCallArguments(line === '' ? [] : line.split(' '))).toBe(message);
  });
});
