/** docker-compose.yml, the Dockerfiles and the names in docs/deployment.md, by the rules that we keep for them. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { listSettings } from '../../src/config/settings.js';

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly [field: string]: unknown;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as ComposeFile;
const services = Object.entries(compose.services);
const deployment = read('docs/deployment.md');

/** What is left of a value where nothing is set in `.env`: each `${NAME:-default}` is its default. */
const byDefault = (value: string) => value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
const environmentOf = (name: string) => compose.services[name]?.environment ?? {};
const dockerfileOf = ({ build }: Service) => (build === undefined ? null : read(join(build, 'Dockerfile')));
/** An image with the number of a version in its tag: nothing that moves. */
const pinned = /^(?!.*:latest)[\w./-]+:v?\d+\.\d+(\.\d+)?[\w.-]*$/;

describe.each(services)('the service %s', (name, service) => {
  it('has an image of a fixed version', () => {
    expect(byDefault(service.image)).toMatch(pinned);
  });

  it('runs without privileges, on a root file system that it cannot write', () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    for (const field of ['privileged', 'cap_add', 'devices', 'pid', 'ipc', 'userns_mode', 'ports']) {
      expect(service).not.toHaveProperty(field);
    }
    const user = service.user ?? /^USER (.*)$/m.exec(dockerfileOf(service) ?? '')?.[1];
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it('cannot fill the machine’s memory, process table or disk', () => {
    expect(service['mem_limit']).toBeDefined();
    expect(service['pids_limit']).toBeGreaterThan(0);
    expect(service['logging']).toEqual({
      driver: 'json-file',
      options: { 'max-size': '10m', 'max-file': '5' },
    });
    for (const mount of service.tmpfs ?? []) expect(mount).toMatch(/:size=\d+m,/);
  });

  it('is started again, and looked after', () => {
    expect(service['restart']).toBe(name === 'try' ? 'no' : 'unless-stopped');
    const isChecked = service.healthcheck?.test ?? /^HEALTHCHECK/m.exec(dockerfileOf(service) ?? '');
    if (name !== 'try') expect(isChecked).not.toBeNull();
  });

  it('gets passwords from files, and only those that it needs', () => {
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      if (!/PASSWORD|SECRET|_DRACHTIO|_FREESWITCH/.test(variable)) continue;
      expect(variable).toMatch(/_FILE$/);
      expect(service.secrets).toContain(value.replace(/^\/run\/secrets\//, ''));
    }
    const text = JSON.stringify([service.environment, service['command']]);
    for (const secret of service.secrets ?? []) {
      expect(Object.keys(compose.secrets)).toContain(secret);
      expect(text).toContain(`/run/secrets/${secret}`);
    }
  });

  it('mounts what is there, and of the project only for reading', () => {
    for (const volume of service.volumes ?? []) {
      const [source = '', , mode] = volume.split(':');
      if (source.startsWith('./')) {
        expect(existsSync(join(root, source)), source).toBe(true);
        expect(mode).toBe('ro');
      } else {
        expect(Object.keys(compose.volumes)).toContain(source);
      }
    }
  });
});

describe('the compose file', () => {
  it('gives the gateway settings that exist', () => {
    const known = listSettings().flatMap(({ environment, isSecret }) =>
      environment === null ? [] : isSecret ? [environment, `${environment}_FILE`] : [environment],
    );
    const names = Object.keys(environmentOf('gateway'));
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(['drachtio', 'freeswitch'])('gives %s settings that its entrypoint checks', (name) => {
    const known = entrypointSettings(name);
    expect(Object.keys(environmentOf(name)).filter((variable) => !known.includes(variable))).toEqual([]);
  });

  it('uses the secrets that docker/make-secrets.sh makes', () => {
    const made = [...read('docker/make-secrets.sh').matchAll(/^keep (\w+) /gm)].map(([, name]) => name);
    expect(made.sort()).toEqual(Object.keys(compose.secrets).sort());
    const used = new Set(services.flatMap(([, service]) => service.secrets ?? []));
    expect([...used].sort()).toEqual(Object.keys(compose.secrets).sort());
  });

  it('has the gateway look for the others where they listen', () => {
    const drachtio = environmentOf('drachtio');
    const freeSwitch = environmentOf('freeswitch');
    const made = read('docker/make-secrets.sh');
    expect(made).toContain(`${drachtio['DRACHTIO_ADMIN_ADDRESS']}:${drachtio['DRACHTIO_ADMIN_TCP_PORT']}:`);
    expect(made).toContain(
      `${freeSwitch['FREESWITCH_EVENT_SOCKET_ADDRESS']}:${freeSwitch['FREESWITCH_EVENT_SOCKET_PORT']}:`,
    );
  });

  it('has nobody command drachtio-server or FreeSWITCH from another machine', () => {
    expect(environmentOf('drachtio')['DRACHTIO_ADMIN_ADDRESS']).toBe('127.0.0.1');
    expect(environmentOf('freeswitch')).toMatchObject({
      FREESWITCH_EVENT_SOCKET_ADDRESS: '127.0.0.1',
      FREESWITCH_EVENT_SOCKET_NETWORKS: '127.0.0.1/32',
      FREESWITCH_SIP_ADDRESS: '127.0.0.1',
      FREESWITCH_SIP_NETWORKS: '127.0.0.1/32',
    });
  });

  it('gives each its own ports', () => {
    const freeSwitch = environmentOf('freeswitch');
    const drachtio = environmentOf('drachtio');
    const gateway = environmentOf('gateway');
    const [firstRtp = 0, lastRtp = 0] = (gateway['LANDBRIDGE_RTP_PORTS'] ?? '').split('-').map(Number);
    const ranges = [
      [firstRtp, lastRtp],
      [Number(freeSwitch['FREESWITCH_RTP_FIRST_PORT']), Number(freeSwitch['FREESWITCH_RTP_LAST_PORT']) + 1],
      ...[
        freeSwitch['FREESWITCH_EVENT_SOCKET_PORT'],
        freeSwitch['FREESWITCH_SIP_PORT'],
        drachtio['DRACHTIO_ADMIN_TCP_PORT'],
        byDefault(drachtio['DRACHTIO_SIP_PORT'] ?? ''),
        byDefault(gateway['LANDBRIDGE_HTTP_PORT'] ?? ''),
      ].map((port) => [Number(port), Number(port)]),
    ].sort(([one = 0], [other = 0]) => one - other);
    ranges.slice(1).forEach(([from = 0], index) => expect(from).toBeGreaterThan(ranges[index]?.[1] ?? 0));
    for (const [from = 0, to = 0] of ranges) {
      expect(from).toBeGreaterThanOrEqual(1024);
      expect(to).toBeLessThan(32_768);
    }
  });

  it('waits longer for the gateway’s end than the gateway waits for its calls', () => {
    const seconds = Number(/^(\d+)s$/.exec(String(compose.services['gateway']?.['stop_grace_period']))?.[1]);
    expect(seconds).toBeGreaterThan(Number(environmentOf('gateway')['LANDBRIDGE_DRAIN_SECONDS']));
  });

  describeWithClient();
});

describe('the Dockerfiles', () => {
  const files = ['Dockerfile', 'docker/try/Dockerfile'];
  it.each(files)('%s begins with images of a fixed version, and gives up root', (file) => {
    const text = read(file);
    const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    for (const base of bases) expect(base).toMatch(/:\d+\.\d+\.\d+-/);
    expect(text).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  });

  it('copy what is there, and what .dockerignore lets through', () => {
    const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path = '']) => path);
    const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    );
    for (const path of copied) {
      expect(existsSync(join(root, path)), path).toBe(true);
      expect(allowed).toContain(path);
    }
  });
});

describe('docs/deployment.md', () => {
  it('names settings that exist', () => {
    const settings = listSettings().flatMap(({ environment, isSecret }) =>
      environment === null ? [] : isSecret ? [environment, `${environment}_FILE`] : [environment],
    );
    const known = [
      ...settings,
      ...entrypointSettings('drachtio'),
      ...entrypointSettings('freeswitch'),
      ...composeVariables(),
    ];
    const named = [...deployment.matchAll(/\b(?:LANDBRIDGE|DRACHTIO|FREESWITCH)_[A-Z_]+[A-Z]\b/g)];
    expect(named.map(([name]) => name).filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(['drachtio', 'freeswitch'])('lists every setting of %s’s entrypoint', (name) => {
    const internal = /_(PROGRAM|STATE_DIRECTORY|CONFIGURATION_DIRECTORY)$/;
    const missing = entrypointSettings(name).filter(
      (variable) => !internal.test(variable) && !deployment.includes(variable),
    );
    expect(missing).toEqual([]);
  });

  it('lists every variable of the compose file', () => {
    expect(composeVariables().filter((variable) => !deployment.includes(variable))).toEqual([]);
  });
});

/** What `.env` may set. */
function composeVariables(): string[] {
  return [
    ...new Set([...read('docker-compose.yml').matchAll(/\$\{(\w+)[:}]/g)].map(([, name = '']) => name)),
  ];
}

/** Names that an entrypoint reads: written out, or put together in its loops. */
function entrypointSettings(name: string): string[] {
  const text = read(`docker/${name}-entrypoint.sh`);
  const prefix = `${name.toUpperCase()}_`;
  const written = [...text.matchAll(new RegExp(`\\b${prefix}[A-Z_]+[A-Z]\\b`, 'g'))].map(([match]) => match);
  const looped = [...text.matchAll(/^for name in (.+); do$/gm)].flatMap(([, names = '']) =>
    names.split(' ').map((rest) => `${prefix}${rest}`),
  );
  return [...new Set([...written, ...looped])];
}

/** A compose client needs no container engine to check the file. */
function describeWithClient(): void {
  const client = [['docker', 'compose'], ['docker-compose']].find(
    ([program = '', ...rest]) => spawnSync(program, [...rest, 'version'], { stdio: 'ignore' }).status === 0,
  );
  const title = 'is valid for docker compose';
  if (client === undefined) {
    describe.skip(`${title} (skipped: docker compose is not installed)`, () => it('is', () => undefined));
    return;
  }
  describe(title, () => {
    const [program = '', ...rest] = client;

    function config(environment: Record<string, string>): { status: number | null; output: string } {
      const directory = mkdtempSync(join(tmpdir(), 'landbridge-compose-'));
      try {
        for (const path of ['docker-compose.yml', 'docker', 'freeswitch']) {
          cpSync(join(root, path), join(directory, path), { recursive: true });
        }
        spawnSync('sh', ['docker/make-secrets.sh'], { cwd: directory });
        const { status, stdout, stderr } = spawnSync(
          program,
          [...rest, '--profile', 'try', '--profile', 'redis', 'config'],
          { cwd: directory, env: { PATH: process.env['PATH'], ...environment }, encoding: 'utf8' },
        );
        return { status, output: stdout + stderr };
      } finally {
        rmSync(directory, { recursive: true });
      }
    }

    it('with the address of the machine', () => {
      const { status, output } = config({ HOST_ADDRESS: '192.0.2.10' });
      expect(output).toContain('192.0.2.10');
      expect(status).toBe(0);
    });

    it('and not without, with a word on what is missing', () => {
      const { status, output } = config({});
      expect(status).not.toBe(0);
      expect(output).toContain('set HOST_ADDRESS in .env');
    });
  });
}

describe('docker/make-secrets.sh', () => {
  it('makes secrets that the entrypoints take, once', () => {
    const directory = mkdtempSync(join(tmpdir(), 'landbridge-secrets-'));
    const secrets = join(directory, 'secrets');
    const make = () =>
      spawnSync('sh', [join(root, 'docker/make-secrets.sh'), secrets], { encoding: 'utf8' }).status;
    const contents = () =>
      Object.fromEntries(
        readdirSync(secrets).map((name) => [name, readFileSync(join(secrets, name), 'utf8')]),
      );
    try {
      expect(make()).toBe(0);
      const made = contents();
      expect(statSync(secrets).mode & 0o777).toBe(0o700);
      expect(made['drachtio_secret']).toMatch(/^[0-9a-f]{48}\n$/);
      expect(made['landbridge_drachtio']).toBe(`127.0.0.1:9022:${made['drachtio_secret']}`);
      expect(made['landbridge_freeswitch']).toBe(`127.0.0.1:8021:${made['freeswitch_secret']}`);
      expect(new Set(Object.values(made)).size).toBe(Object.keys(made).length);
      expect(make()).toBe(0);
      expect(contents()).toEqual(made);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
