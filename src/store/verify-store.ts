/**
 * Verification: whether what the database says is true of the files.
 *
 * A path that is registered but gone is forgotten, with what refers to it; contents are compared
 * with their hashes only on request, since that reads everything. What is wrong can be repaired by
 * whoever asks: this only finds it.
 */

import { existsSync, lstatSync, unlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatHash, formatPrefixedHash, noProgress, sameHash, type Progress } from '#base';
import type { StorePath } from '#formats';
import { bytePath, listNames, systemPath } from './file-tree.ts';
import type { LocalStore } from './local-store.ts';
import { measureNar, scanTree } from './tree-hash.ts';

export interface VerifyOptions {
  readonly checkContents?: boolean;
  /** Makes a damaged or missing path good again; false if it cannot. */
  readonly repair?: (path: StorePath) => Promise<boolean>;
  /** Told each sentence as it is found. */
  readonly say?: (problem: string) => void;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface Verification {
  /** What was wrong, a sentence each. */
  readonly problems: readonly string[];
  /** Registered paths that were gone and have been forgotten. */
  readonly forgotten: readonly StorePath[];
  readonly damaged: readonly StorePath[];
  /** Whether something is wrong still. */
  readonly isUnsound: boolean;
}

/** What a verification has found so far. */
class Findings {
  readonly problems: string[] = [];
  readonly forgotten: StorePath[] = [];
  readonly damaged: StorePath[] = [];
  isUnsound = false;
  readonly #say: (problem: string) => void;

  constructor(say: (problem: string) => void) {
    this.#say = say;
  }

  add(problem: string): void {
    this.problems.push(problem);
    this.#say(problem);
  }
}

export async function verifyStore(store: LocalStore, options: VerifyOptions = {}): Promise<Verification> {
  const findings = new Findings(options.say ?? (() => {}));
  const paths = store.allValidPaths();
  const activity = (options.progress ?? noProgress).start('verify', 'store paths', { total: paths.length });
  const present: StorePath[] = [];
  for (const path of paths) {
    options.signal?.throwIfAborted();
    if (stands(store, path)) present.push(path);
    else await missing(store, path, options, findings);
  }
  if (options.checkContents === true) {
    checkLinks(store, options, findings);
    for (const path of present) {
      options.signal?.throwIfAborted();
      await checkContents(store, path, options, findings);
      activity.advance(1);
      await nextTurn();
    }
  }
  activity.finish(findings.isUnsound ? 'failed' : 'done');
  const { problems, forgotten, damaged, isUnsound } = findings;
  return { problems, forgotten, damaged, isUnsound };
}

/** Whether a path stands and has the content that it was registered with. */
export async function isIntact(store: LocalStore, path: StorePath): Promise<boolean> {
  const info = store.queryPathInfo(path);
  if (info === undefined || !stands(store, path)) return false;
  return sameHash((await scanTree(bytePath(store.physicalPath(path)), [])).narHash, info.narHash);
}

/** Forgets a path that is gone, unless something that is still there refers to it. */
async function missing(store: LocalStore, path: StorePath, options: VerifyOptions, findings: Findings): Promise<void> {
  if (findings.forgotten.includes(path)) return;
  for (const referrer of store.queryReferrers(path)) {
    if (referrer !== path && !existsSync(store.physicalPath(referrer))) await missing(store, referrer, options, findings);
  }
  const left = store.queryReferrers(path).filter((one) => one !== path);
  if (left.length > 0) {
    findings.add(`path '${path}' disappeared, but it still has valid referrers!`);
    if (!(await options.repair?.(path))) findings.isUnsound = true;
    return;
  }
  findings.add(`path '${path}' disappeared, removing from database...`);
  store.database.invalidate(path);
  findings.forgotten.push(path);
}

async function checkContents(store: LocalStore, path: StorePath, options: VerifyOptions, findings: Findings): Promise<void> {
  const info = store.queryPathInfo(path);
  if (info === undefined) return;
  const { narHash } = await scanTree(bytePath(store.physicalPath(path)), []);
  if (sameHash(narHash, info.narHash)) return;
  findings.add(`path '${path}' was modified! expected hash '${formatPrefixedHash(info.narHash, 'nix32')}', `
    + `got '${formatPrefixedHash(narHash, 'nix32')}'`);
  findings.damaged.push(path);
  if (!(await options.repair?.(path))) findings.isUnsound = true;
}

/** Shared files that are not what their names say would spoil what is linked with them next. */
function checkLinks(store: LocalStore, options: VerifyOptions, findings: Findings): void {
  const links = `${bytePath(store.physicalStoreDirectory)}/.links`;
  if (!existsSync(systemPath(links))) return;
  for (const name of listNames(links)) {
    const link = `${links}/${name}`;
    const found = formatHash(measureNar(link).narHash, 'nix32');
    if (found === name) continue;
    findings.add(`link '${link}' was modified! expected hash '${name}', got '${found}'`);
    if (options.repair === undefined) findings.isUnsound = true;
    else unlinkSync(systemPath(link));
  }
}

function stands(store: LocalStore, path: StorePath): boolean {
  return lstatSync(store.physicalPath(path), { throwIfNoEntry: false }) !== undefined;
}
