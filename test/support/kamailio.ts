/** Kamailio as a proxy between phones and the gateway, with Record-Route; on the loopback address alone. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { Daemon, findProgram, freePort } from './daemon.js';
import { waitFor } from './wait-for.js';

const program = findProgram('LANDBRIDGE_TEST_KAMAILIO', 'kamailio', '/usr/sbin/kamailio');

/** A suite that needs Kamailio; where it is missing, the report says that it was skipped and why. */
export function describeWithKamailio(title: string, suite: () => void): void {
  if (program !== null) describe(title, suite);
  else
    describe.skip(
      `${title} (skipped: Kamailio is not installed; apt-get install kamailio kamailio-tls-modules)`,
      suite,
    );
}

export interface KamailioOptions {
  /** Where new calls are sent on to. */
  readonly nextHop: string;
  readonly cert: string;
  readonly key: string;
}

export class Kamailio {
  /** On 127.0.0.1, for UDP and TCP. */
  readonly sipPort: number;
  readonly #daemon: Daemon;
  readonly #directory: string;

  private constructor(daemon: Daemon, sipPort: number, directory: string) {
    this.#daemon = daemon;
    this.sipPort = sipPort;
    this.#directory = directory;
  }

  static async start(options: KamailioOptions): Promise<Kamailio> {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-kamailio-'));
    const [sipPort, tlsPort] = [await freePort(), await freePort()];
    const file = join(directory, 'kamailio.cfg');
    await writeFile(file, configuration(options, sipPort, tlsPort));
    const daemon = new Daemon(
      program ?? 'kamailio',
      [
        '-DD',
        '-E',
        '-f',
        file,
        '-w',
        directory,
        '-Y',
        directory,
        '-P',
        join(directory, 'pid'),
        '-m',
        '32',
        '-M',
        '4',
      ],
      process.env,
      directory,
    );
    const kamailio = new Kamailio(daemon, sipPort, directory);
    await waitFor(
      'Kamailio listens',
      () => {
        if (daemon.hasEnded) throw new Error(`Kamailio ended\n${daemon.output}`);
        return daemon.output.includes('landbridge test is ready');
      },
      { timeoutMs: 20_000 },
    );
    return kamailio;
  }

  get output(): string {
    return this.#daemon.output;
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function configuration({ nextHop, cert, key }: KamailioOptions, sipPort: number, tlsPort: number): string {
  const modules = ['tls', 'pv', 'sl', 'tm', 'tmx', 'rr', 'maxfwd', 'siputils', 'textops', 'xlog'];
  return [
    '#!KAMAILIO',
    'debug=1',
    'log_stderror=yes',
    'fork=yes',
    'children=1',
    'tcp_children=1',
    'auto_aliases=no',
    'dns=no',
    'rev_dns=no',
    'disable_tcp=no',
    'enable_tls=yes',
    `listen=udp:127.0.0.1:${String(sipPort)}`,
    `listen=tcp:127.0.0.1:${String(sipPort)}`,
    `listen=tls:127.0.0.1:${String(tlsPort)}`,
    ...modules.map((name) => `loadmodule "${name}.so"`),
    `modparam("tls", "private_key", "${key}")`,
    `modparam("tls", "certificate", "${cert}")`,
    'modparam("tls", "tls_method", "TLSv1.2+")',
    'modparam("tls", "verify_certificate", 0)',
    'modparam("rr", "enable_full_lr", 1)',
    'request_route {',
    '  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }',
    '  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }',
    '  if (has_totag()) {',
    '    if (loose_route()) { t_relay(); exit; }',
    '    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }',
    '    sl_send_reply("404", "Not Here"); exit;',
    '  }',
    '  record_route();',
    `  $du = "${nextHop}";`,
    '  if (!t_relay()) { sl_reply_error(); }',
    '  exit;',
    '}',
    'event_route[core:worker-one-init] { xlog("L_ERR", "landbridge test is ready\\n"); }',
    '',
  ].join('\n');
}
