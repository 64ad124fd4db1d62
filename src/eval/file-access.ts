/**
 * What an evaluation may read: everything, or in pure and restricted evaluation the allowed paths,
 * what was fetched for it, and the store paths that it has made itself.
 */

import type { NixError } from '#diagnostics';
import type { EvalSettings, Host } from '#runtime';
import { forbiddenPath } from './errors.ts';
import { internalFile } from './internal-files.ts';

export class FileAccess {
  readonly #host: Host;
  readonly #settings: EvalSettings;
  /** Where entries of the search path were fetched to, which may be outside the store. */
  readonly #fetchedRoots: string[] = [];
  /** Store paths that this evaluation made. */
  readonly #ownStorePaths = new Set<string>();

  constructor(host: Host, settings: EvalSettings) {
    this.#host = host;
    this.#settings = settings;
  }

  allowRoot(path: string): void {
    this.#fetchedRoots.push(path);
  }

  allowStorePath(storePath: string): void {
    this.#ownStorePaths.add(storePath);
  }

  /** What was built for evaluation (`!out!….drv`) may be read, and so may what it refers to. */
  allowOutput(element: string): void {
    const match = /^!([^!]*)!(\/.*)$/.exec(element);
    if (match === null) return;
    const path = this.#host.readDerivation(match[2]!).outputs.get(match[1]!);
    if (path !== undefined) this.#allowClosure(path);
  }

  #allowClosure(path: string): void {
    const waiting = [path];
    while (waiting.length > 0) {
      const next = waiting.pop()!;
      if (this.#ownStorePaths.has(next)) continue;
      this.allowStorePath(next);
      waiting.push(...this.#host.storePathReferences(next));
    }
  }

  check(path: string): void {
    if (!this.isReadable(path)) throw this.#forbidden(path);
  }

  checkVisible(path: string): void {
    if (!this.isVisible(path)) throw this.#forbidden(path);
  }

  isVisible(path: string): boolean {
    if (this.isReadable(path)) return true;
    const folder = path === '/' ? path : `${path}/`;
    const roots = [this.#settings.allowedPaths, this.#fetchedRoots, [...this.#ownStorePaths]];
    return roots.some((group) => group.some((root) => root.startsWith(folder)));
  }

  isReadable(path: string): boolean {
    const { pureEval, restrictEval, allowedPaths } = this.#settings;
    if ((!pureEval && !restrictEval) || internalFile(path) !== undefined) return true;
    const isBelow = (root: string) => path === root || root === '/' || path.startsWith(`${root}/`);
    return allowedPaths.some(isBelow) || this.#fetchedRoots.some(isBelow) || this.#isOwnStorePath(path);
  }

  #forbidden(path: string): NixError {
    return forbiddenPath(path, this.#settings.pureEval ? 'pure' : 'restricted');
  }

  #isOwnStorePath(path: string): boolean {
    const root = `${this.#host.storeDirectory}/`;
    if (!path.startsWith(root)) return false;
    const end = path.indexOf('/', root.length);
    return this.#ownStorePaths.has(end < 0 ? path : path.slice(0, end));
  }
}
