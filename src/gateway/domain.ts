/** The product itself: legs and their media, sessions, and the services around them. */
import { DtmfService } from '../domain/keys/dtmf-service.js';
import { LegRegistry } from '../domain/legs/leg-registry.js';
import { LegQualityFacts } from '../domain/legs/leg-quality-facts.js';
import { DialInNetworks } from '../domain/numbers/dial-in-networks.js';
import type { RecordingService } from '../domain/recordings/recording-service.js';
import { AbandonmentCleaner } from '../domain/sessions/abandonment.js';
import { SessionService } from '../domain/sessions/session-service.js';
import { TrunkDirectory } from '../domain/trunks/trunk-directory.js';
import { callerPrivacies } from './caller-privacy.js';
import type { GatewayContext } from './context.js';
import type { Foundation } from './foundation.js';
import { openMedia, type GatewayMedia } from './media.js';
import { checkHoldMusic, openRecordings, openSounds, type Sounds } from './sounds-and-recordings.js';
import { openTrunks, trunksOfAccounts, type Trunks } from './trunks.js';
import { openVoice, type Voice } from './voice.js';

export interface GatewayDomain {
  readonly media: GatewayMedia;
  readonly legs: LegRegistry;
  readonly sessions: SessionService;
  readonly recordings: RecordingService;
  readonly sounds: Sounds;
  readonly dtmf: DtmfService;
  readonly voice: Voice;
  readonly dialInNetworks: DialInNetworks;
  readonly trunks: Trunks;
}

/** Also closes what an earlier life of this gateway left open. Rejects with ConfigError where a file or directory cannot be used. */
export async function openDomain(context: GatewayContext, foundation: Foundation): Promise<GatewayDomain> {
  const { config, clock } = context;
  const { nodeId, stores, journal, tokens, metrics, credentials } = foundation;
  const { events } = journal;
  await checkHoldMusic(config);
  const media = await openMedia(context, nodeId);
  const legs = createLegs(context, foundation, media);
  const played = { ...context, nodeId, stores, legs, events, metrics, media: media.plane };
  const recordings = await openRecordings(played);
  const sessions = new SessionService({
    ...{ store: stores.participants, legs, tokens, events, clock },
    limits: config.sessions,
  });
  const sounds = await openSounds({ ...played, sessions, recordings });
  const dtmf = new DtmfService({ sessions, legs, events, clock });
  legs.observe(dtmf);
  const { tokenSecret, previousTokenSecret } = credentials;
  const secrets = [tokenSecret, previousTokenSecret].filter((secret) => secret !== undefined);
  const directory = new TrunkDirectory(
    trunksOfAccounts(await stores.trunks.allTrunks(), credentials.accounts),
  );
  const dialInNetworks = new DialInNetworks(await stores.numbers.numbersWithNetworks());
  const voice = openVoice({
    ...{ ...context, stores, sessions, events, tokens, secrets },
    ...{ trunks: directory, networks: dialInNetworks },
  });
  const trunks = openTrunks({ ...context, stores, legs, directory, numberCalls: voice.calls });
  metrics.observeStir(() => trunks.stir.figures());
  journal.follow(voice.transfers);
  // Only now is everybody there who must learn how the calls of an earlier life ended.
  await legs.recover(await stores.records.listOpenRecords());
  openAbandonment(context, foundation, sessions);
  openLegQuality(context, foundation, legs);
  await journal.start();
  return { media, legs, sessions, recordings, sounds, dtmf, voice, trunks, dialInNetworks };
}

function createLegs(
  { config, clock, logger }: GatewayContext,
  { nodeId, stores, tokens, journal }: Foundation,
  media: GatewayMedia,
): LegRegistry {
  const legs = new LegRegistry({
    ...{ nodeId, store: stores.participants, media: media.plane, tokens, events: journal.events },
    ...{ clock, logger },
    limits: { ...config.sessions, guesses: config.joinCodes },
    callerPrivacy: callerPrivacies(config),
    holdSoundWhenAlone: config.sounds.holdMusicWhenAlone,
  });
  legs.observe({ legMeasured: ({ legId }, statistics) => journal.records.measured(legId, statistics) });
  return legs;
}

function openLegQuality(
  { config, clock, closers }: GatewayContext,
  { journal: { events } }: Foundation,
  legs: LegRegistry,
): void {
  const intervalMs = config.events.legQualitySeconds * 1000;
  const facts = new LegQualityFacts({ legs: () => legs.live, events, clock, intervalMs });
  facts.start();
  closers.onClose('quality of legs', () => facts.close());
}

function openAbandonment(
  { config, clock, logger, closers }: GatewayContext,
  { stores }: Foundation,
  sessions: SessionService,
): void {
  const abandonedAfterMs = config.sessions.abandonedAfterHours * 3_600_000;
  const cleaner = new AbandonmentCleaner({
    ...{ store: stores.abandonment, sessions, clock, logger, abandonedAfterMs },
  });
  cleaner.start();
  closers.onClose('clean-up', () => cleaner.close());
}
