#!/usr/bin/env node
/** The command line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { commandLineFault } from './validation/command-line-fault.js';
import { nearest } from './validation/nearest.js';
import { packageRoot } from './gateway/package-root.js';

const usage = `Usage: landbridge [command] [options]

Commands:
  serve                Run the gateway (the default).
                         --config <file>   configuration file (default ./landbridge.yaml if it is there)
  doctor               Look at configuration, machine, addresses, certificates and ports; call the gateway that runs.
                         --config <file>   as for serve. Exits 1 where something fails.
                         --stun <server>   ask that STUN server where this machine is seen
  call <sip-uri>       Call as a phone: real SIP, real RTP.  See: landbridge call --help

Options:
  -h, --help           Show this help.
  -v, --version        Show the version.`;

const commands = ['serve', 'doctor', 'call', 'help', 'version'];
const exitUsage = 2;

async function main(argv: string[]): Promise<number> {
  const [first, second] = argv;
  // Who reads may leave early, as `head` does: that is no fault.
  process.stdout.on('error', () => undefined);
  if (first === 'help' && second !== undefined) return main([second, '--help']);
  if (first === '-h' || first === '--help' || first === 'help') {
    console.log(usage);
    return 0;
  }
  if (first === '-v' || first === '--version' || first === 'version') {
    console.log(version());
    return 0;
  }
  if (!isSomewhere()) {
    console.error('landbridge: The directory that it was started in is gone. Change to another one.');
    return 1;
  }
  // Commands are loaded when they are asked for: a phone call needs no database, a gateway no command-line phone.
  if (first === 'call') {
    const { runCallCommand } = await import('./softphone/cli/call-command.js');
    return runCallCommand(argv.slice(1));
  }
  if (first === undefined || first === 'serve' || first.startsWith('-')) {
    return serve(first === 'serve' ? argv.slice(1) : argv);
  }
  if (first === 'doctor') return doctor(argv.slice(1));
  const meant = nearest(first, commands);
  const hint = meant === null ? '' : `: did you mean ${meant}?`;
  console.error(`landbridge: unknown command '${first}'${hint}\n\n${usage}`);
  return exitUsage;
}

/** Nothing can be loaded where the working directory was removed. */
function isSomewhere(): boolean {
  try {
    return process.cwd() !== '';
  } catch {
    return false;
  }
}

async function serve(argv: string[]): Promise<number> {
  const options = optionsOf(argv, {});
  if (typeof options === 'number') return options;
  const { runServe } = await import('./serve.js');
  return runServe({ configFile: options.configFile, version: version() });
}

async function doctor(argv: string[]): Promise<number> {
  const options = optionsOf(argv, { stun: { type: 'string' } });
  if (typeof options === 'number') return options;
  const { runDoctor } = await import('./doctor/doctor.js');
  return runDoctor({
    ...{ configFile: options.configFile, stunServer: options.values['stun'] },
    environment: process.env,
    workingDirectory: process.cwd(),
    print: (line) => console.log(line),
  });
}

interface GivenOptions {
  readonly configFile: string | undefined;
  /** Those of the command. */
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** The exit code where there is nothing more to do. `more`: what the command has beside `--config`. */
function optionsOf(
  argv: string[],
  more: Readonly<Record<string, { readonly type: 'string' }>>,
): GivenOptions | number {
  try {
    const { values } = parseArgs({
      args: argv,
      options: { ...more, config: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    const {
      help,
      config: configFile,
      ...others
    } = values as Record<string, string | undefined> & {
      readonly help?: boolean;
    };
    if (configFile === '') throw new Error('--config needs the name of a file');
    for (const [name, value] of Object.entries(others))
      if (value === '') throw new Error(`--${name} needs a value`);
    if (help !== true) return { configFile, values: others };
    console.log(usage);
    return 0;
  } catch (error) {
    console.error(`landbridge: ${commandLineFault(error)}\n\n${usage}`);
    return exitUsage;
  }
}

function version(): string {
  const text = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

process.exitCode = await main(process.argv.slice(2));
