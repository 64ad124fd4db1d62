/**
 * The search path: `NIX_PATH`, `-I`, and lists of `{ prefix; path; }`.
 */

import type { Position } from '#diagnostics';
import {
  Attrs,
  canonicalPath,
  type Host,
  NixPath,
  type SearchPathEntry,
  type Slot,
} from '#runtime';
import { notInSearchPath } from './errors.ts';
import { internalRoot } from './internal-files.ts';

export class SearchPath {
  private readonly host: Host;
  private readonly known = new Map<string, string | null>();

  constructor(host: Host) {
    this.host = host;
  }

  /** `builtins.nixPath`. */
  asList(entries: readonly SearchPathEntry[]): Slot[] {
    return entries.map(({ prefix, path }) =>
      Attrs.fromEntries([
        ['path', path],
        ['prefix', prefix],
      ]),
    );
  }

  /** The first entry that has `name`. */
  find(
    entries: readonly SearchPathEntry[],
    name: string,
    position: Position,
    pure: boolean,
  ): NixPath {
    for (const { prefix, path } of entries) {
      const rest = restOf(name, prefix);
      if (rest === undefined) continue;
      const root = this.resolveEntry(path);
      if (root === null) continue;
      const found = rest === '' ? root : canonicalPath(`${root}/${rest}`);
      if (this.exists(found)) return new NixPath(found);
    }
    if (name.startsWith('nix/')) return new NixPath(`${internalRoot}${name.slice(3)}`);
    void pure;
    const error = notInSearchPath(name, '');
    error.position = position;
    throw error;
  }

  private exists(path: string): boolean {
    try {
      return this.host.lstat(path) !== null;
    } catch {
      return false;
    }
  }

  private resolveEntry(path: string): string | null {
    let root = this.known.get(path);
    if (root === undefined) {
      root = path.startsWith('/') ? canonicalPath(path) : this.host.resolveSearchPathEntry(path);
      if (root !== null && !this.exists(root)) root = null;
      this.known.set(path, root);
    }
    return root;
  }
}

/** What of `name` is left after a prefix; undefined if the entry does not apply. */
function restOf(name: string, prefix: string): string | undefined {
  if (prefix === '') return name;
  if (name === prefix) return '';
  return name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : undefined;
}
