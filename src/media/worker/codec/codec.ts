/** How codecs are named in a media worker. */

/** A negotiated codec, named as in SDP's rtpmap (case kept as registered with IANA). */
export interface Codec {
  readonly name: 'PCMU' | 'PCMA' | 'G722' | 'opus' | 'VP8' | 'H264' | 'VP9' | 'AV1';
  readonly clockRateHz: number;
  readonly channels: number;
  /** Format parameters as written after `a=fmtp:<pt> `, where there are any. */
  readonly parameters?: string;
}
