/** Looks at what a start reads and writes beside its ports: the data directory, recordings, hold music. */
import { join } from 'node:path';
import type { Config } from '../config/config-schema.js';
import { dataDirectoryTrouble } from '../store/data-directory-check.js';
import { holdMusicTrouble } from '../store/hold-music.js';
import { keptNodeName } from '../store/node-name.js';
import { recordingsOwner } from '../store/recordings-directory.js';
import { fail, ok, type Finding } from './finding.js';
import { writeFault } from './machine.js';

/** For where no gateway runs: one that does has its data directory. */
export function lookAtDatabase(dataDir: string): Finding[] {
  const what = 'database';
  const trouble = dataDirectoryTrouble(dataDir);
  return [trouble === null ? ok(what, 'can be opened') : fail(what, trouble)];
}

export async function lookAtRecordings({ dataDir, recordings }: Config): Promise<Finding[]> {
  const what = 'recordings';
  const { directory } = recordings;
  // What is in the data directory was looked at with that.
  if (directory === undefined || directory === join(dataDir, 'recordings')) return [];
  const fault = writeFault(directory);
  if (fault !== null) return [fail(what, `recordings.directory: ${fault}`)];
  const owner = await recordingsOwner(directory);
  const self = keptNodeName(dataDir);
  return [
    owner === null || owner === self
      ? ok(what, directory)
      : fail(what, `recordings.directory: ${directory} belongs to the gateway ${owner}`),
  ];
}

export async function lookAtHoldMusic({ sounds }: Config): Promise<Finding[]> {
  const { holdMusic, maxSeconds } = sounds;
  if (holdMusic === undefined) return [];
  const trouble = await holdMusicTrouble(holdMusic, maxSeconds);
  return [
    trouble === null ? ok('hold music', holdMusic) : fail('hold music', `sounds.holdMusic: ${trouble}`),
  ];
}
