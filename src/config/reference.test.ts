import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { expect, it } from 'vitest';
import { configSchema } from './config-schema.js';
import { formatExample, formatReference } from './reference.js';
import { listSettings } from './settings.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const how = 'run `node scripts/generate-docs.mjs`';

it('docs/reference/configuration.md is what the schema says', () => {
  expect(read('docs/reference/configuration.md') === formatReference(), how).toBe(true);
});

it('landbridge.example.yaml is what the schema says', () => {
  expect(read('landbridge.example.yaml') === formatExample(), how).toBe(true);
});

it('the example is a configuration that can be used once its lines are uncommented', () => {
  const uncommented = formatExample()
    .split('\n')
    .filter(
      (line) =>
        /^# +[a-zA-Z]+:( |$)/.test(line) &&
        !/^# +(account|username|password|tokenSecret|previousTokenSecret|publicIp|workers|drachtio|freeswitch|url|fallbackUrl|secret|publicUrl|sipAddress|sipTransport|defaultCountry|holdMusic|ports|codecs|directory|cert|key|clientCa|serverCa|revocationCa|ca|certificateUrl|operatorAccount|doctor|stunServer|host):$/.test(
          line,
        ),
    )
    .map((line) => line.slice(2))
    .join('\n');
  expect(configSchema.parse(parse(uncommented))).toEqual(configSchema.parse({}));
});

it('every setting is described, and no two share a variable', () => {
  const settings = listSettings();
  for (const setting of settings) expect(setting.description, setting.path.join('.')).not.toBe('');
  const names = settings.map(({ environment }) => environment).filter((name) => name !== null);
  expect(new Set(names).size).toBe(names.length);
});

it('the names that others build on are there', () => {
  const names = new Set(listSettings().map(({ environment }) => environment));
  for (const name of [
    'HTTP_HOST',
    'HTTP_PORT',
    'SIP_HOST',
    'SIP_PORT',
    'RTP_PORTS',
    'PUBLIC_IP',
    'ACCOUNT',
    'USERNAME',
    'PASSWORD',
    'TOKEN_SECRET',
    'DATA_DIR',
    'STORE',
    'WORKERS',
    'DRACHTIO',
    'FREESWITCH',
    'LOG_LEVEL',
  ]) {
    expect(names).toContain(`LANDBRIDGE_${name}`);
  }
});
