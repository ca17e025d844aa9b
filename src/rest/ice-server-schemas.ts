/** STUN and TURN servers as answers write them: what a page gives its RTCPeerConnection. */
import * as z from 'zod';

export const iceServerSchema = z
  .strictObject({
    urls: z.array(z.string()),
    username: z.string().optional(),
    credential: z.string().optional(),
  })
  .meta({ id: 'IceServer', description: 'As W3C’s RTCIceServer: for the `iceServers` of the SDK.' });

export type ToldIceServer = z.output<typeof iceServerSchema>;

/** What one participant is told. */
export type IceServersOf = (accountId: string, participantId: string) => ToldIceServer[];
