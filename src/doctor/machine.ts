/** Looks at the machine: Node, open files, the data directory and its disk. */
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail, ok, warn, type Finding } from './finding.js';

/** Calls, browsers and webhooks have a socket each, and a phone leg two. */
const enoughFiles = 4096;
const littleBytes = 1024 ** 3;
/** Sticky, and open for all to write: /tmp and its like. */
const sharedOnPurpose = 0o1002;
/** File systems that the kernel shows itself in: proc, sysfs, cgroup, cgroup2 (linux/magic.h). */
const kernelsOwn = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270]);
/** The first that still gets security fixes. */
const supportedNode = 22;

export function lookAtNode(version: string): Finding {
  const major = Number(version.replace(/^v/, '').split('.')[0]);
  return major < supportedNode
    ? warn('Node.js', `${version} gets no security fixes any more; run ${supportedNode} or newer`)
    : ok('Node.js', version);
}

/** `limits`: the text of `/proc/self/limits`; null where there is none. */
export function lookAtFileLimit(limits: string | null): Finding[] {
  const text = /^Max open files +(\d+|unlimited)/m.exec(limits ?? '')?.[1];
  if (text === undefined) return [];
  const most = text === 'unlimited' ? Infinity : Number(text);
  return [
    most < enoughFiles
      ? warn(
          'open files',
          `at most ${text}; ${enoughFiles} or more let many calls in (ulimit -n, LimitNOFILE=)`,
        )
      : ok('open files', `at most ${text}`),
  ];
}

export function readFileLimit(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null;
  }
}

export function lookAtDataDirectory(path: string): Finding[] {
  const what = 'data directory';
  const fault = writeFault(path);
  if (fault !== null) return [fail(what, fault)];
  const place = nearest(path);
  const { mode } = statSync(place);
  const isNew = place !== path;
  // To close /tmp to others would stop half of the machine.
  if (!isNew && (mode & sharedOnPurpose) === sharedOnPurpose)
    return [fail(what, `${path} is there for all users of this machine; choose one of its own`)];
  const findings: Finding[] = [
    isNew
      ? ok(what, `${path} will be made at the first start`)
      : (mode & 0o022) === 0
        ? ok(what, path)
        : fail(what, `others may write into ${path}; chmod 700 it`),
  ];
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const words = `${(free / littleBytes).toFixed(1)} GB free at ${place}`;
  return [...findings, free < littleBytes ? warn('disk', words) : ok('disk', words)];
}

/** Why this user can write nothing at the path, or make it; null where nothing speaks against it. */
export function writeFault(path: string): string | null {
  const place = nearest(path);
  try {
    if (!statSync(place).isDirectory()) return `${place} is not a directory`;
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return `${place} cannot be written by this user (${code})`;
  }
  // The superuser may write everywhere, and yet nobody can make a file in /proc or /sys.
  return kernelsOwn.has(statfsSync(place).type) ? `no file can be made in ${place}` : null;
}

/** The path, or what there is above it. */
function nearest(path: string): string {
  const parent = dirname(path);
  return parent === path || existsSync(path) ? path : nearest(parent);
}
