import { describe, expect, it } from 'vitest';
import { codecOf, codecsOfFreeSwitch, ownCodec } from './edge-codecs.js';

const map = (encodingName: string, clockRateHz = 8000, channels = 1) => ({
  ...{ payloadType: 97, encodingName, clockRateHz, channels },
});

describe('the codecs of the phone edge', () => {
  it('knows them by name in any case, at their own clock only', () => {
    expect(codecOf(map('pcmu'), null)?.name).toBe('PCMU');
    expect(codecOf(map('OPUS', 48_000, 2), null)?.name).toBe('opus');
    expect(codecOf(map('opus', 48_000, 1), null)).toBeNull();
    expect(codecOf(map('PCMU', 16_000), null)).toBeNull();
    expect(codecOf(map('speex'), null)).toBeNull();
    expect(codecOf(map('constructor'), null)).toBeNull();
  });

  it('lets known parameters with sensible values through, and nothing else', () => {
    const { parameters } = codecOf(
      map('opus', 48_000, 2),
      'minptime=10; useinbandfec=1;stereo=7;x=y;maxaveragebitrate=1e9;__proto__=1;toString',
    )!;
    expect(parameters).toBe('minptime=10;useinbandfec=1');
    expect(codecOf(map('G729'), 'annexb=no')!.parameters).toBe('annexb=no');
    expect(codecOf(map('PCMU'), 'annexb=no')!.parameters).toBe('');
  });

  it('offers each under its usual number, or another where that is taken', () => {
    expect(ownCodec('G722', new Set())?.payloadType).toBe(9);
    expect(ownCodec('opus', new Set([111, 96]))?.payloadType).toBe(97);
    expect(ownCodec('PCMU', new Set(Array.from({ length: 128 }, (_, i) => i)))).toBeNull();
  });

  it('reads from FreeSWITCH what it can decode', () => {
    const answer = [
      'type,name,ikey',
      'codec,G.711 alaw,CORE_PCM_MODULE',
      'codec,G.711 ulaw,CORE_PCM_MODULE',
      'codec,G.722,mod_spandsp',
      'codec,G.729,mod_g729',
      'codec,OPUS (STANDARD),mod_opus',
      'codec,Speex,CORE_SPEEX_MODULE',
      'api,G.729,mod_x',
      '',
      '7 total.',
    ].join('\n');
    expect([...codecsOfFreeSwitch(answer)]).toEqual(['PCMU', 'PCMA', 'G722', 'opus']);
    expect([...codecsOfFreeSwitch('codec,G.729,mod_bcg729')]).toEqual(['G729']);
    expect([...codecsOfFreeSwitch('-ERR no such command')]).toEqual([]);
  });
});
