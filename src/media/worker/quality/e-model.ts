/**
 * How good a telephone call is by what the network does to it: the E-model (ITU-T G.107, 06/2015). Pure. All that is not given
 * has the default of its table 3.
 */

export interface Transmission {
  /** The share of packets that did not come, 0 to 100. Lost at random, so BurstR is 1. */
  readonly lossPercent: number;
  /** From mouth to ear, one way. */
  readonly delayMs: number;
}

/** G.711 with concealment, by ITU-T G.113, appendix I: no impairment of its own (Ie), and how it bears loss (Bpl). */
const equipmentImpairment = 0;
const lossRobustness = 25.1;

// Defaults of G.107, table 3, by their names there.
const [slr, rlr, stmr, dr, ds, telr, wepl, ps, pr, nc, nfor] = [8, 2, 15, 3, 3, 65, 110, 35, 35, -70, -64];

const power = (level: number): number => 10 ** (level / 10);
const level = (sum: number): number => 10 * Math.log10(sum);
/** The form in which most of the model's terms come: the larger of 1 and `x`, bent smoothly. */
const bent = (x: number, exponent: number): number => (1 + x ** exponent) ** (1 / exponent);

/** The rating R: 93.2 where nothing is lost or late, 0 and below where nobody understands a word. */
export function ratingFactor({ lossPercent, delayMs }: Transmission): number {
  const noise = noiseLevel();
  const ratio = 15 - 1.5 * (slr + noise);
  const loss = (95 - equipmentImpairment) * (lossPercent / (lossPercent + lossRobustness));
  const impairments = simultaneousImpairment(ratio, noise, delayMs) + delayImpairment(ratio, noise, delayMs);
  return ratio - impairments - equipmentImpairment - loss;
}

/** Mean opinion score, 1 to 4.5, of a rating (G.107, annex B). */
export function meanOpinionScore(rating: number): number {
  if (rating <= 0) return 1;
  if (rating >= 100) return 4.5;
  // Just above 0 the polynomial dips below 1.
  return Math.max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}

/** Clause 7.2: all noise, at the 0 dBr point. */
function noiseLevel(): number {
  const olr = slr + rlr;
  const roomOfSpeaker = ps - slr - ds - 100 + 0.004 * (ps - olr - ds - 14) ** 2;
  const heardRoom = pr + level(1 + power(10 - (stmr + dr)));
  const roomOfListener = rlr - 121 + heardRoom + 0.008 * (heardRoom - 35) ** 2;
  return level(power(nc) + power(roomOfSpeaker) + power(roomOfListener) + power(nfor + rlr));
}

/** Clause 7.3: what comes at the same time as the voice: loudness, sidetone, quantizing. */
function simultaneousImpairment(ratio: number, noise: number, delayMs: number): number {
  const x = (slr + rlr + 0.2 * (64 + noise - rlr)) / 8;
  const loudness = 20 * (bent(x, 8) - x);
  const sidetone = -level(power(-stmr) + Math.exp(-delayMs / 4) * power(-telr));
  const ofSidetone =
    12 * bent((sidetone - 13) / 6, 8) -
    28 * bent((sidetone + 1) / 19.4, 35) -
    13 * bent((sidetone - 3) / 33, 13) +
    29;
  // One quantizing distortion unit.
  const q = 37;
  const g = 1.07 + 0.258 * q + 0.0602 * q ** 2;
  const y = (ratio - 100) / 15 + 46 / 8.4 - g / 9;
  const z = 46 / 30 - g / 40;
  return loudness + ofSidetone + 15 * Math.log10(1 + 10 ** y + 10 ** z);
}

/** Clause 7.4: echo of the speaker, echo of the listener, and delay itself. */
function delayImpairment(ratio: number, noise: number, delayMs: number): number {
  const echoLoudness =
    telr - 40 * Math.log10((1 + delayMs / 10) / (1 + delayMs / 150)) + 6 * Math.exp(-0.3 * delayMs ** 2);
  const talker = -1.5 * (noise - rlr) - (80 + 2.5 * (echoLoudness - 14));
  const ofTalker = (talker / 2 + Math.sqrt(talker ** 2 / 4 + 100) - 1) * (1 - Math.exp(-delayMs));
  const listener = ratio - 10.5 * (wepl + 7) * (2 * delayMs + 1) ** -0.25;
  const ofListener = listener / 2 + Math.sqrt(listener ** 2 / 4 + 169);
  return ofTalker + ofListener + pureDelayImpairment(delayMs);
}

function pureDelayImpairment(delayMs: number): number {
  if (delayMs <= 100) return 0;
  const x = Math.log2(delayMs / 100);
  return 25 * (bent(x, 6) - 3 * bent(x / 3, 6) + 2);
}
