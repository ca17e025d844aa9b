/** How good the audio of a leg is, as the engine tells it: plain data. All numbers are finite, none is negative. */

/**
 * Audio that goes one way only, although both ends are alive. `not-received`: the far end reports that it sends, and nothing of
 * it comes here. `not-heard`: it reported on what we send, and reports now that nothing comes any more. `not-reported`: it
 * reports, and never said anything of what we send: nothing reaches it, or it does not tell.
 */
export type OneWayAudio = 'not-received' | 'not-heard' | 'not-reported';

/** One direction, as whoever receives it counts. */
export interface DirectionQuality {
  /** In the last window of ten seconds; in the first, so far. */
  readonly lossPercent: number;
  readonly jitterMs: number;
  /** Mean opinion score, 1 to 4.5. */
  readonly mos: number;
  /** Since the beginning. */
  readonly packets: number;
  readonly packetsLost: number;
  readonly totalLossPercent: number;
  /** 95 of 100 seconds (or reports) had no more. */
  readonly jitterP95Ms: number;
  readonly jitterMaxMs: number;
  /** The mean and the worst of all windows in which anything was to come. */
  readonly mosMean: number;
  readonly mosWorst: number;
}

export interface AudioQuality {
  /** What we receive of the far end; null: nothing came. */
  readonly received: DirectionQuality | null;
  /** What the far end receives of us, by its reports; null: it reported nothing. */
  readonly sent: DirectionQuality | null;
  /** By the far end's last report that tells it; null: none does. */
  readonly roundTripMs: number | null;
  readonly oneWay: OneWayAudio | null;
}
