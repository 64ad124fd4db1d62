/**
 * The search path: `NIX_PATH`, `-I`, and lists of `{ prefix; path; }`.
 *
 * Entries are kept as they were given, since `builtins.nixPath` shows them so; a relative one starts
 * at the working directory. An entry that leads nowhere is warned of once and passed over.
 */

import { UserError } from '#base';
import type { Position } from '#diagnostics';
import {
  Attrs,
  canonicalPath,
  type Host,
  NixPath,
  parentPath,
  resolvePath,
  type SearchPathEntry,
  type Slot,
} from '#runtime';
import { notInSearchPath, tooManyLinks } from './errors.ts';
import { internalRoot } from './internal-files.ts';

export interface SearchPathOptions {
  readonly host: Host;
  readonly workingDirectory: string;
  readonly pure: boolean;
  /** Entries behind all others, which `builtins.nixPath` does not show. */
  readonly fallback: readonly SearchPathEntry[];
  /** Throws if a path may not be read. */
  readonly checkVisible: (path: string) => void;
  /** Lets what was fetched be read. */
  readonly allow: (path: string) => void;
  readonly warn: (text: string) => void;
}

const linkLimit = 1024;

export class SearchPath {
  readonly #options: SearchPathOptions;
  readonly #roots = new Map<string, string | null>();
  readonly #found = new Map<string, string | null>();

  constructor(options: SearchPathOptions) {
    this.#options = options;
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
  find(entries: readonly SearchPathEntry[], name: string, position: Position): NixPath {
    const found = this.#findIn(entries, name) ?? this.#findInternal(name)
      ?? this.#findIn(this.#options.fallback, name);
    if (found !== undefined) return new NixPath(found);
    const error = notInSearchPath(name, this.#options.pure);
    error.position = position;
    throw error;
  }

  #findIn(entries: readonly SearchPathEntry[], name: string): string | undefined {
    for (const { prefix, path } of entries) {
      const rest = restOf(name, prefix);
      if (rest === undefined) continue;
      const root = this.#rootOf(path);
      if (root === null) continue;
      const wanted = rest === '' ? root : canonicalPath(`${root}/${rest}`);
      let found = this.#found.get(wanted);
      if (found === undefined) this.#found.set(wanted, found = this.#existing(wanted));
      if (found !== null) return found;
    }
    return undefined;
  }

  #findInternal(name: string): string | undefined {
    return name.startsWith('nix/') ? `${internalRoot}${name.slice(3)}` : undefined;
  }

  /** The place of an entry; null if there is none. */
  #rootOf(entry: string): string | null {
    let root = this.#roots.get(entry);
    if (root === undefined) this.#roots.set(entry, root = this.#resolveEntry(entry));
    return root;
  }

  #resolveEntry(entry: string): string | null {
    const { host, workingDirectory, warn } = this.#options;
    if (isReference(entry)) {
      try {
        const fetched = host.resolveSearchPathEntry(entry);
        if (fetched !== null) {
          this.#options.allow(fetched);
          this.#options.allow(this.#withoutLinks(fetched));
          return fetched;
        }
      } catch (error) {
        // Firn's own entry is nobody's leftover: what is wrong with it is to be told with its hint.
        if (!(error instanceof UserError) || entry.startsWith('firn:')) throw error;
        warn(`Nix search path entry '${entry}' cannot be downloaded, ignoring (${error.message})`);
        return null;
      }
    }
    const path = entry.startsWith('/') ? canonicalPath(entry) : resolvePath(workingDirectory, entry);
    if (this.#existing(path) !== null) return path;
    warn(`Nix search path entry '${entry}' does not exist, ignoring`);
    return null;
  }

  /** A path without links on the way, or null if nothing is there; throws if it may not be read. */
  #existing(path: string): string | null {
    const real = this.#withoutLinks(path);
    this.#options.checkVisible(path);
    this.#options.checkVisible(real);
    return this.#status(real) === null ? null : real;
  }

  #withoutLinks(path: string): string {
    let done = '';
    let rest = path.split('/').filter((part) => part !== '');
    for (let links = 0; rest.length > 0;) {
      const next = `${done}/${rest.shift()}`;
      if (this.#status(next)?.type !== 'symlink') {
        done = next;
        continue;
      }
      if (++links > linkLimit) throw tooManyLinks(path);
      const target = resolvePath(parentPath(next), this.#options.host.readLink(next));
      rest = [...target.split('/').filter((part) => part !== ''), ...rest];
      done = '';
    }
    return done === '' ? '/' : done;
  }

  #status(path: string): ReturnType<Host['lstat']> {
    try {
      return this.#options.host.lstat(path);
    } catch (error) {
      // A part of the path is no directory, or may not be searched.
      if (error instanceof UserError) return null;
      throw error;
    }
  }
}

/** Whether an entry is something to be fetched: a URL, a channel, a reference to a flake. */
function isReference(entry: string): boolean {
  return /^(?:(?:https?|file|channel|git|s3|ssh):\/\/|(?:channel|flake|firn):)/.test(entry);
}

/** What of `name` is left after a prefix; undefined if the entry does not apply. */
function restOf(name: string, prefix: string): string | undefined {
  if (prefix === '') return name;
  if (name === prefix) return '';
  return name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : undefined;
}
