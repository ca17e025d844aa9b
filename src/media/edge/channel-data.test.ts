import { describe, expect, it } from 'vitest';
import { reduceChannelData } from './channel-data.js';

describe('the data of a channel', () => {
  it('are reduced to the lines that are read, as they are', () => {
    const frame = [
      'Event-Name: CHANNEL_DATA',
      'Core-UUID: 1',
      'Channel-State: CS_EXECUTE',
      'Unique-ID: a',
      'Channel-Unique-ID: a',
      'Caller-Unique-ID: a',
      'variable_sip_user_agent: drachtio-fsmrf%3Ab',
      'variable_switch_r_sdp: v%3D0%0D%0AUnique-ID%3A%20c',
      'Content-Type: command/reply',
      'Reply-Text: %2BOK%0A',
    ].join('\n');
    expect(reduceChannelData(frame)).toBe(
      [
        'Event-Name: CHANNEL_DATA',
        'Unique-ID: a',
        'Channel-Unique-ID: a',
        'variable_sip_user_agent: drachtio-fsmrf%3Ab',
        'Content-Type: command/reply\n\n',
      ].join('\n'),
    );
  });

  it.each(['', 'GET / HTTP/1.1\nHost: a', 'Event-Name: CHANNEL_DATA_NOT', 'Content-Type: auth/request'])(
    'are not %j',
    (frame) => {
      expect(reduceChannelData(frame)).toBeNull();
    },
  );
});
