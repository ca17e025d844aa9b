/** Which of the servers that may stand beside the gateway there are here for tests; test/support/daemon.ts looks likewise. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const servers = {
  drachtio: {
    name: 'drachtio-server',
    programs: ['drachtio', 'drachtio-server'],
    variables: ['LANDBRIDGE_TEST_DRACHTIO', 'LANDBRIDGE_TEST_DRACHTIO_BINARY'],
  },
  freeswitch: {
    name: 'FreeSWITCH',
    programs: ['freeswitch'],
    variables: ['LANDBRIDGE_TEST_FREESWITCH', 'LANDBRIDGE_TEST_FREESWITCH_BINARY'],
  },
};

/** Every way for a gateway not to be by itself, as LANDBRIDGE_TEST_BESIDE takes it. */
export const combinations = ['drachtio', 'freeswitch', 'drachtio+freeswitch'];

/** Why a combination cannot be tested here; null where it can. */
export function whyNot(combination) {
  const missing = combination.split('+').filter((server) => !isThere(servers[server]));
  if (missing.length === 0) return null;
  return `skipped: ${missing.map((server) => `${servers[server].name} is not installed`).join(', ')}`;
}

function isThere({ programs, variables }) {
  if (variables.some((variable) => process.env[variable])) return true;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return programs.some((program) => folders.some((folder) => isExecutable(join(folder, program))));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
