import { describe, expect, it } from 'vitest';
import { isHold } from './hold.js';

function sdp(...lines: string[]): string {
  return ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', ...lines, ''].join('\r\n');
}

const audio = 'm=audio 4000 RTP/AVP 0';
const address = 'c=IN IP4 192.0.2.1';

describe('an offer', () => {
  it.each([
    ['is sendonly', sdp(address, 't=0 0', audio, 'a=sendonly')],
    ['is inactive', sdp(address, 't=0 0', audio, 'a=inactive')],
    ['is sendonly for the whole session', sdp(address, 'a=sendonly', 't=0 0', audio)],
    ['has the address 0.0.0.0', sdp('c=IN IP4 0.0.0.0', 't=0 0', audio)],
    ['has the address 0.0.0.0 in its audio', sdp(address, 't=0 0', audio, 'c=IN IP4 0.0.0.0')],
    ['has lines that end in LF alone', `v=0\n${address}\n${audio}\na=sendonly\n`],
  ])('holds the call where it %s', (_, offer) => {
    expect(isHold(offer)).toBe(true);
  });

  it.each([
    ['names no direction', sdp(address, 't=0 0', audio)],
    ['is sendrecv', sdp(address, 't=0 0', audio, 'a=sendrecv')],
    ['is recvonly: it still listens', sdp(address, 't=0 0', audio, 'a=recvonly')],
    [
      'is sendrecv in its audio though sendonly for the session',
      sdp(address, 'a=sendonly', audio, 'a=sendrecv'),
    ],
    ['holds only its video', sdp(address, audio, 'm=video 5000 RTP/AVP 96', 'a=sendonly')],
    ['has a real address in its audio', sdp('c=IN IP4 0.0.0.0', audio, 'c=IN IP4 192.0.2.1')],
    ['is a browser’s whose ICE has not chosen', sdp('c=IN IP4 0.0.0.0', audio, 'a=ice-ufrag:abcd')],
    ['has no audio', sdp(address, 'm=video 5000 RTP/AVP 96', 'a=sendonly')],
    ['is no SDP', 'a=sendonly'],
    ['is empty', ''],
  ])('does not where it %s', (_, offer) => {
    expect(isHold(offer)).toBe(false);
  });
});
