/** Reads what FreeSWITCH says of a channel in the first frame of its event socket. */

/** The lines that fsmrf reads, of some 200. */
const read = /^(?:Event-Name|Content-Type|Unique-ID|Channel-Unique-ID|variable_sip_user_agent): .*$/gm;

/** FreeSWITCH sends 8 kB; what is far longer does not come from it. */
export const maxChannelDataBytes = 256 * 1024;

/**
 * The frame's header lines reduced to those that are read: all of them cost more to parse than a call's SIP. Null where it is
 * no channel's data.
 */
export function reduceChannelData(frame: string): string | null {
  const lines: readonly string[] = frame.match(read) ?? [];
  return lines.includes('Event-Name: CHANNEL_DATA') ? `${lines.join('\n')}\n\n` : null;
}
