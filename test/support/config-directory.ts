/** A directory of its own for each test of a file, and the configuration as it is read there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Config } from '../../src/config/config-schema.js';
import { ConfigError, loadConfig } from '../../src/config/load-config.js';

export interface ConfigDirectory {
  readonly directory: () => string;
  readonly load: (environment?: Record<string, string>, yaml?: string) => Config;
  /** Empty where nothing is wrong. */
  readonly problemsOf: (environment: Record<string, string>, yaml?: string) => readonly string[];
}

/** Call it at the top of a file of tests. */
export function useConfigDirectory(): ConfigDirectory {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'landbridge-config-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));
  const load: ConfigDirectory['load'] = (environment = {}, yaml) => {
    if (yaml !== undefined) writeFileSync(join(path, 'landbridge.yaml'), yaml);
    return loadConfig({ environment, workingDirectory: path });
  };
  return {
    directory: () => path,
    load,
    problemsOf(environment, yaml) {
      try {
        load(environment, yaml);
      } catch (error) {
        if (error instanceof ConfigError) return error.problems;
        throw error;
      }
      return [];
    },
  };
}
