/** Writes the reference page and the example file out of the schema. `scripts/generate-docs.mjs` keeps them; a test compares. */
import { listGroups, type Setting, type SettingGroup } from './settings.js';

export function formatReference(): string {
  const intro = [
    '# Configuration',
    '',
    '<!-- Generated from src/config/config-schema.ts by scripts/generate-docs.mjs. -->',
    '',
    'Defaults, then `landbridge.yaml`, then the environment: the later wins. The file is `--config <path>`, else',
    '`LANDBRIDGE_CONFIG`, else `landbridge.yaml` in the working directory if there is one. Every setting has a variable',
    'named after it. In a variable a list is separated by commas, and an empty variable counts as unset. A secret can be read',
    'from a file: its variable with `_FILE` appended names it. Unknown settings and unknown `LANDBRIDGE_…` variables are',
    'errors, and a configuration that cannot be used stops the start with one message that lists every problem.',
    '',
    'The first start without a password makes one, and a token secret, in `credentials.json` in the data directory (mode',
    '0600); the first start that comes to its end prints it, once.',
    '',
  ];
  return `${[...intro, ...listGroups().flatMap(formatGroup)].join('\n').trimEnd()}\n`;
}

function formatGroup(group: SettingGroup): string[] {
  return [
    `## ${group.name === null ? group.description : `${group.description}: \`${group.name}\``}`,
    '',
    '| setting | variable | type | default | |',
    '|---|---|---|---|---|',
    ...group.settings.map((setting) =>
      [
        '',
        ` \`${setting.path.join('.')}\` `,
        setting.environment === null
          ? ' – '
          : ` \`${setting.environment}\`${setting.isSecret ? ' (or `_FILE`)' : ''} `,
        ` ${setting.type} `,
        ` ${formatDefault(setting)} `,
        ` ${setting.description} `,
        '',
      ].join('|'),
    ),
    '',
  ];
}

function formatDefault({ defaultText, defaultValue }: Setting): string {
  if (defaultText !== undefined) return defaultText;
  if (defaultValue === undefined) return 'none';
  if (Array.isArray(defaultValue))
    return defaultValue.length === 0 ? 'empty' : `\`${defaultValue.join(', ')}\``;
  return `\`${typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue)}\``;
}

export function formatExample(): string {
  const intro = [
    '# Landbridge’s settings with their defaults. Generated from src/config/config-schema.ts.',
    '# Copy it to landbridge.yaml and uncomment what you change; docs/reference/configuration.md explains more.',
    '',
  ];
  const body = listGroups().flatMap((group) => [
    `# ── ${group.description} ──`,
    ...(group.name === null ? [] : [`# ${group.name}:`]),
    ...group.settings.flatMap((setting) => formatExampleSetting(setting, group.name === null ? '' : '  ')),
    '',
  ]);
  return `${[...intro, ...body].join('\n').trimEnd()}\n`;
}

function formatExampleSetting(setting: Setting, indent: string): string[] {
  const key = setting.path.at(-1) ?? '';
  const value = setting.defaultValue === undefined ? '' : ` ${JSON.stringify(setting.defaultValue)}`;
  const word =
    setting.defaultText === undefined ? '' : ` Default: ${setting.defaultText.replaceAll('`', '')}.`;
  return [`# ${indent}# ${setting.description}${word}`, `# ${indent}${key}:${value}`];
}
