/** The data directory holds tokens, passwords and secrets of webhooks: nobody else on the machine may read or change it. */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../domain/logger.js';
import { DataDirectoryUnusable } from './file-faults.js';
import { makeDirectories } from './private-path.js';

/** Made here, so that libsql does not make them readable by everybody. */
const madeByLibsql = ['landbridge.db', 'landbridge.lock'];
/** With the write-ahead log, and copies that an operator left beside them. */
const ours = /^(?:landbridge\.(?:db|lock)|credentials\.json|node-name|database-history\.json)/;
/** Recordings and sounds; where an operator keeps them elsewhere, behind a link as well, their access is his to say. */
const directoriesOfOurs = ['recordings', 'sounds'];
const accessTaken = 'other users had access; it was taken from them';
const othersMayWrite = 0o022;
const othersMayAnything = 0o077;
/** Sticky, and open for all to write: /tmp and its like. */
const sharedOnPurpose = 0o1002;

/** Other users of the machine could read what is in it, or put a file of theirs in the place of ours. */
export class DataDirectoryOpen extends Error {
  override readonly name = 'DataDirectoryOpen';
  constructor(path: string, command: string) {
    super(
      `Other users of this machine have access to ${path}, and its permissions cannot be changed: ` +
        `let its owner run ${command}, or choose another data directory.`,
    );
  }
}

/**
 * Makes the directory (mode 0700) where it is not there, takes the permission to write into it away from others, and makes every
 * file of ours in it readable by this user alone (0600), those of earlier versions, too. SQLite gives the write-ahead log and its index
 * the permissions of the database, which is made here for that. Directories of ours below are closed to others, too. Call it before anything in it is opened. Throws DataDirectoryOpen, DataDirectoryUnusable where it is everybody's on purpose,
 * or the system's error.
 */
export function makeDataDirectoryPrivate(directory: string, logger: Logger): void {
  makeDirectories(directory);
  // To close /tmp to others would stop half of the machine.
  const { mode, uid } = statSync(directory);
  if ((mode & sharedOnPurpose) === sharedOnPurpose)
    throw new DataDirectoryUnusable(
      `The data directory ${directory} cannot be used: it is there for all users of this machine. Choose one of its own; if it is the gateway’s alone, chmod 700 it.`,
    );
  takeFromOthers(directory, othersMayWrite, logger);
  for (const path of directoriesOfOurs.map((name) => join(directory, name)))
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
      takeFromOthers(path, othersMayAnything, logger);
  for (const name of madeByLibsql) makePrivate(join(directory, name), uid, logger);
  for (const name of readdirSync(directory).filter((one) => ours.test(one))) {
    const path = join(directory, name);
    refuseOdd(path);
    // A link may lead to what is not ours to close.
    if (lstatSync(path).isFile()) takeFromOthers(path, othersMayAnything, logger);
  }
}

/**
 * Makes a file where there is none, and takes access to one that is there from others, also where a link leads to it: it will hold
 * what is secret. What was put there by somebody else is not used.
 */
function makePrivate(path: string, ownerOfDirectory: number, logger: Logger): void {
  // Where a pipe stands in its place nobody may ever be at the other end.
  const { O_RDWR, O_CREAT, O_APPEND, O_NONBLOCK } = constants;
  const file = openSync(path, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK, 0o600);
  try {
    const found = fstatSync(file);
    const user = process.geteuid?.() ?? found.uid;
    if (!found.isFile()) throw noFile(path);
    if (found.uid !== user && found.uid !== ownerOfDirectory)
      throw new DataDirectoryUnusable(
        `${path} belongs to another user of this machine: move it away, or choose another data directory.`,
      );
    if ((found.mode & othersMayAnything) === 0) return;
    fchmodSync(file, found.mode & 0o7777 & ~othersMayAnything);
    logger.warn({ path, mode: octal(found.mode) }, accessTaken);
  } finally {
    closeSync(file);
  }
}

/** What is neither a file nor a directory, such as a pipe, would be waited for without end by whoever reads it. */
function refuseOdd(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile() && !found.isDirectory()) throw noFile(path);
}

function noFile(path: string): DataDirectoryUnusable {
  return new DataDirectoryUnusable(`${path} is no file: move it away, or choose another data directory.`);
}

function takeFromOthers(path: string, permissions: number, logger: Logger): void {
  const { mode } = statSync(path);
  if ((mode & permissions) === 0) return;
  try {
    chmodSync(path, mode & 0o7777 & ~permissions);
  } catch {
    throw new DataDirectoryOpen(path, `chmod go-${permissions === othersMayWrite ? 'w' : 'rwx'}`);
  }
  logger.warn({ path, mode: octal(mode) }, accessTaken);
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8);
}
