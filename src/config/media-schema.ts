/** Settings of media: what phones and browsers send and receive. */
import * as z from 'zod';
import { iceServers } from './ice-servers-schema.js';
import { group, port, seconds } from './schema-parts.js';

/** Every browser has the first two (RFC 7742). */
const videoCodecs = ['VP8', 'H264', 'VP9', 'AV1'] as const;

const portRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, 'must be two port numbers like 20000-29999')
  .transform((text) => {
    const [from = 0, to = 0] = text.split('-').map(Number);
    return { from, to };
  })
  .refine(
    ({ from, to }) => from >= 1024 && to <= 65_535 && to > from,
    'must be a rising range within 1024-65535',
  );

const audioCodecs = ['opus', 'G722', 'PCMU', 'PCMA'] as const;

export const mediaGroups = {
  rtp: group('Phone audio', {
    ports: portRange
      .prefault('20000-29999')
      .describe(
        'UDP ports for phone audio, shared out among the workers. Browsers have a third of them, unless they have ports of their own.',
      ),
    codecs: z
      .array(z.enum(audioCodecs, 'must be opus, G722, PCMU or PCMA'))
      .min(1)
      .refine((names) => new Set(names).size === names.length, 'must name each once')
      .optional()
      .meta({
        description: 'Codecs that phones may use, the preferred first. Of a trunk its own decide.',
        defaultText: 'all, in the order of whoever offers',
      }),
    srtp: z
      .enum(['off', 'allow', 'require'])
      .default('allow')
      .describe(
        'Whether the audio of phones is encrypted (SRTP, with keys in the SDP): `off` never, `allow` where the phone can, `require` always: other calls get 488. Of a trunk its own decides.',
      ),
    portRestSeconds: z.int().min(0).max(3600).default(30).describe('How long a port rests after its call.'),
    firstPacketTimeoutSeconds: seconds
      .default(30)
      .describe('A phone that sends nothing at all for this long is hung up.'),
    timeoutSeconds: seconds
      .default(15)
      .describe('A phone that falls silent on the wire for this long is hung up, unless on hold.'),
    jitterTargetMs: z
      .int()
      .min(0)
      .max(120)
      .default(0)
      .describe('Delay that the jitter buffer begins with; it grows by itself with the jitter it meets.'),
  }),

  browser: group('Browser media', {
    iceServers: iceServers.default([]).meta({
      description:
        'STUN and TURN servers that browsers are told of with their tokens: each with `urls` and, for TURN, `username` and `credential`, or the `secret` that the server makes them with, too. Only in the file.',
      fileOnly: true,
    }),
    videoCodecs: z
      .array(z.enum(videoCodecs, 'must be VP8, H264, VP9 or AV1'))
      .min(1)
      .refine((names) => new Set(names).size === names.length, 'must name each once')
      .default([...videoCodecs])
      .describe('Video codecs, best first: a browser sends the first that it has. Others are not taken.'),
    ports: portRange.optional().meta({
      description: 'UDP ports for browsers, one for each connection, shared out among the workers.',
      defaultText: 'a third of `rtp.ports`',
    }),
    sharedPort: port
      .default(0)
      .describe(
        'One UDP port for all browsers of a worker: that of the first, the next workers have the next ones. 0: a port for each connection.',
      ),
    tcpPort: port
      .default(0)
      .describe(
        'TCP port for browsers that UDP does not reach: that of the first worker, the next have the next ones. 0: none.',
      ),
    maxBitrateBps: z.int().min(30_000).default(2_500_000).describe('Most that one published video may use.'),
    iceTimeoutSeconds: seconds.default(30).describe('A browser that is not connected by then is dropped.'),
    disconnectTimeoutSeconds: seconds
      .default(15)
      .describe('A browser that was out of reach, or silent when asked, for this long is dropped.'),
    maxSections: z
      .int()
      .min(2)
      .max(256)
      .default(64)
      .describe('Tracks that one browser may send and receive at once.'),
  }),
};
