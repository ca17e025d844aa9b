/** What FreeSWITCH says of a channel in the first frame of its event socket: some 200 lines, of which fsmrf reads these. */
const read = /^(?:Event-Name|Content-Type|Unique-ID|Channel-Unique-ID|variable_sip_user_agent): .*$/gm;

/** FreeSWITCH tells 8 kB; what is longer by far does not come of it. */
export const maxChannelDataBytes = 256 * 1024;

/**
 * The frame's header lines reduced to those that are read: all of them cost more to parse than a call's SIP. Null where it is
 * no channel's data.
 */
export function reduceChannelData(frame: string): string | null {
  const lines: readonly string[] = frame.match(read) ?? [];
  return lines.includes('Event-Name: CHANNEL_DATA') ? `${lines.join('\n')}\n\n` : null;
}
