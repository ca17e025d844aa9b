/** Reads settings out of environment variables. */
import { readBounded, readFault } from './bounded-file.js';
import { noVariable } from './no-setting.js';
import { listSettings, type Setting } from './settings.js';

/** Environment names that are not settings: the path of the configuration file. */
const otherNames = new Set(['LANDBRIDGE_CONFIG']);

export interface ReadEnvironment {
  /** Each setting that the environment gives, with the variable that gave it. */
  readonly values: readonly { readonly setting: Setting; readonly name: string; readonly value: unknown }[];
  readonly problems: readonly string[];
}

export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): ReadEnvironment {
  const values: { setting: Setting; name: string; value: unknown }[] = [];
  const problems: string[] = [];
  const known = new Set(otherNames);
  for (const setting of listSettings()) {
    const name = setting.environment;
    if (name === null) continue;
    known.add(name);
    // Empty means unset: compose files write `NAME: ${NAME:-}`.
    const text = environment[name] === '' ? undefined : environment[name];
    const fileName = `${name}_FILE`;
    const file = setting.isSecret && environment[fileName] !== '' ? environment[fileName] : undefined;
    if (setting.isSecret) known.add(fileName);
    if (text !== undefined && file !== undefined) problems.push(`${name} and ${fileName} are both set`);
    else if (text !== undefined && isServiceLink(text)) problems.push(`${name}: ${serviceLinkHint}`);
    else if (text !== undefined) values.push({ setting, name, value: convert(setting, text) });
    else if (file !== undefined) readSecret(setting, fileName, file);
  }
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('LANDBRIDGE_') || known.has(name) || text === undefined) continue;
    if (isServiceLink(text) || /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP)(_\w+)?$/.test(name))
      continue;
    problems.push(noVariable(name));
  }
  return { values, problems };

  function readSecret(setting: Setting, name: string, file: string): void {
    try {
      const value = readBounded(file).replace(/\r?\n$/, '');
      values.push({ setting, name, value });
    } catch (error) {
      problems.push(`${name}: cannot read ${file} (${readFault(error) ?? 'unknown'})`);
    }
  }
}

/** Text that cannot be converted stays text, and the schema refuses it. */
function convert(setting: Setting, text: string): unknown {
  switch (setting.kind) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      return text.split(',').map((item) => item.trim());
    case 'text':
      return text;
  }
}

const serviceLinkHint =
  'is a Kubernetes service link; name the service differently or set enableServiceLinks: false on the pod';

/** Kubernetes gives every container `<SERVICE>_PORT=tcp://…` for each service near it. */
function isServiceLink(text: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(text);
}
