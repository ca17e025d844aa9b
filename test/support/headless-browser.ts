/** A browser without a page: negotiates as one (ICE, DTLS, SRTP), sounds a tone as PCMU, and tells its tracks apart by SSRC. */
import { pcmu } from '../../src/media/worker/codec/g711.js';
import { direction, mid, msids, ssrcs } from '../../src/sdp/attributes.js';
import { parseSessionDescription } from '../../src/sdp/session-description.js';
import { Tone } from '../../src/media/worker/sound/tone.js';
import { FarEnd } from '../integration/far-end.js';

const ssrc = 4711;
const ownMid = '0';
const section = (name: string, way: string, ...more: string[]) => [
  'm=audio 9 UDP/TLS/RTP/SAVPF 0',
  'c=IN IP4 0.0.0.0',
  `a=mid:${name}`,
  `a=${way}`,
  ...more,
];
const ownSection = section(
  ownMid,
  'sendonly',
  'a=msid:own t',
  'a=label:microphone',
  `a=ssrc:${ssrc} cname:x`,
);

export class HeadlessBrowser {
  readonly #far: FarEnd;
  /** SSRC of each stream that it was last offered. */
  #ssrcOf = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  private constructor(far: FarEnd) {
    this.#far = far;
  }

  static async open(): Promise<HeadlessBrowser> {
    return new HeadlessBrowser(await FarEnd.open());
  }

  get offer(): string {
    return this.#far.describe('actpass', ownSection);
  }

  get isConnected(): boolean {
    return this.#far.isConnected;
  }

  takeAnswer(answer: string): void {
    this.#far.connect(answer);
  }

  /** Answers the gateway's offer: takes whatever it offers to send. */
  answer(offer: string): string {
    const { media } = parseSessionDescription(offer);
    this.#ssrcOf = new Map();
    const sections = media.map((one) => {
      const name = mid(one) ?? '';
      if (name === ownMid) return ownSection;
      const [ssrcOfSection] = ssrcs(one);
      const streamId = msids(one)[0]?.streamId;
      if (direction(one) !== 'sendonly') return section(name, 'inactive');
      if (ssrcOfSection !== undefined && streamId !== undefined) this.#ssrcOf.set(streamId, ssrcOfSection);
      return section(name, 'recvonly');
    });
    return this.#far.describe('passive', ...sections);
  }

  /** A tone from now on, a packet every 20 ms. */
  talk(frequencyHz: number, amplitude: number): void {
    const tone = new Tone(frequencyHz, 8000, amplitude);
    const pcm = new Int16Array(160);
    const payload = Buffer.alloc(160);
    let n = 0;
    let due = performance.now();
    const next = (): void => {
      pcmu.encode(tone.fill(pcm), payload, 0);
      this.#far.sendRtp(ssrc, 0, n & 0xffff, n * 160, payload);
      n += 1;
      due += 20;
      this.#timer = setTimeout(next, Math.max(0, due - performance.now()));
    };
    next();
  }

  /** What came before is forgotten. */
  forget(): void {
    this.#far.rtp.length = 0;
    this.#far.rtcp.length = 0;
  }

  get offeredStreamIds(): string[] {
    return [...this.#ssrcOf.keys()];
  }

  /** Packets since `forget`, of all streams. */
  get packets(): number {
    return this.#far.rtp.length;
  }

  /** What came of one stream since `forget`, decoded. */
  heard(streamId: string): Int16Array {
    const wanted = this.#ssrcOf.get(streamId);
    const payloads = this.#far.rtp.filter((one) => one.ssrc === wanted).map(({ payload }) => payload);
    const pcm = new Int16Array(payloads.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const payload of payloads) at += pcmu.decode(payload, 0, payload.length, pcm.subarray(at));
    return pcm;
  }

  /** SSRCs that packets came of since `forget`. */
  get sources(): Set<number> {
    return new Set(this.#far.rtp.map((one) => one.ssrc));
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#far.close();
  }
}
