/**
 * `nix why-depends`: the chain of references by which one path needs another; with `--all` every
 * such chain, with `--precise` the files that hold the references.
 */

import { closeSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { decodeUtf8 } from '#base';
import { hashPartOf, type StorePath } from '#formats';
import { bytePath, listNames, readLinkBytes, systemPath } from '#store';
import { usageError } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { buildInstallables, derivationsOf, installableFlags, knownPaths, outPathsOf, resolveInstallables } from '../installables.ts';

export const { run, usage } = defineCommand({
  name: 'nix why-depends',
  operands: 'PACKAGE DEPENDENCY',
  summary: 'Shows why one path needs another.',
  flags: [
    { names: ['--all', '-a'], description: 'show all chains instead of a shortest one' },
    { names: ['--precise'], description: 'show the files that hold the references' },
    { names: ['--derivation'], description: 'take the derivations themselves instead of their outputs' },
    ...installableFlags, ...buildFlags.filter(({ names }) => !names.includes('--dry-run')),
  ],
  async run(session) {
    const { flags, context, store } = session;
    const [packageText, dependencyText] = flags.operands;
    if (packageText === undefined || dependencyText === undefined) {
      throw usageError('A package and a dependency are required', session.name);
    }
    await session.openProgress();
    const [first, second] = await resolveInstallables(session, [packageText, dependencyText]);
    const top = single(session, packageText, flags.has('--derivation') ? derivationsOf(session, [first!])
      : outPathsOf(await buildInstallables(session, [first!])));
    const below = single(session, dependencyText, flags.has('--derivation') ? derivationsOf(session, [second!])
      : outPathsOf(knownPaths(session, [second!])));
    (await session.openProgress()).close();
    if (!store.closureOf([top]).includes(below)) {
      context.stderr.write(`'${packageText}' does not depend on '${dependencyText}'\n`);
      return;
    }
    new Explanation(session, top, below).print();
  },
});

function single(session: CommandSession, text: string, paths: readonly StorePath[]): StorePath {
  if (paths.length === 1) return paths[0] as StorePath;
  throw usageError(`argument '${text}' should evaluate to one store path`, session.name);
}

class Explanation {
  readonly #session: CommandSession;
  readonly #top: StorePath;
  readonly #below: StorePath;
  /** How many references lead from a path to the dependency. */
  readonly #distances: ReadonlyMap<StorePath, number>;
  readonly #visited = new Set<StorePath>();
  readonly #all: boolean;
  readonly #precise: boolean;

  constructor(session: CommandSession, top: StorePath, below: StorePath) {
    this.#session = session;
    this.#top = top;
    this.#below = below;
    this.#all = session.flags.has('--all');
    this.#precise = session.flags.has('--precise');
    this.#distances = distancesTo(session, top, below);
  }

  print(): void {
    if (!this.#precise) this.#session.print(this.#top);
    this.#visit(this.#top, '', '');
  }

  /** Returns false when the one chain that is wanted is complete. */
  #visit(path: StorePath, firstPad: string, restPad: string): boolean {
    if (this.#precise) this.#session.print(`${firstPad}${firstPad === '' ? '' : '→ '}${path}`);
    if (path === this.#below && !this.#all && this.#top !== this.#below) return false;
    if (this.#visited.has(path)) return true;
    this.#visited.add(path);
    const references = this.#references(path);
    const hits = this.#precise ? filesWith(this.#session, path, references) : new Map<StorePath, string[]>();
    for (const [index, reference] of references.entries()) {
      const last = this.#all ? index === references.length - 1 : true;
      const lines = hits.get(reference) ?? [];
      for (const [at, line] of (this.#all ? lines : lines.slice(0, 1)).entries()) {
        this.#session.print(`${restPad}${at === 0 ? (last ? '└───' : '├───') : (last ? '    ' : '│   ')}${line}`);
      }
      if (!this.#precise) this.#session.print(`${firstPad}${last ? '└───' : '├───'}${reference}`);
      const pad = restPad + (last ? '    ' : '│   ');
      if (!this.#visit(reference, pad, pad)) return false;
    }
    return true;
  }

  /** Those that lead to the dependency, the nearest first. */
  #references(path: StorePath): StorePath[] {
    const distance = (one: StorePath) => this.#distances.get(one) ?? Infinity;
    return [...this.#session.store.queryPathInfo(path)?.references ?? []]
      .filter((one) => (one !== path || this.#top === this.#below) && distance(one) < Infinity)
      .sort((a, b) => distance(a) - distance(b) || (a < b ? -1 : 1));
  }
}

function distancesTo({ store }: CommandSession, top: StorePath, below: StorePath): Map<StorePath, number> {
  const inClosure = new Set(store.closureOf([top]));
  const distances = new Map([[below, 0]]);
  for (let level = [below], distance = 1; level.length > 0; distance += 1) {
    const next = level.flatMap((path) => store.queryReferrers(path))
      .filter((path) => inClosure.has(path) && !distances.has(path));
    for (const path of next) distances.set(path, distance);
    level = [...new Set(next)];
  }
  return distances;
}

const marginBytes = 32;

/** For each reference the files and links of `path` that hold it, with what stands around it. */
function filesWith(session: CommandSession, path: StorePath, references: readonly StorePath[]): Map<StorePath, string[]> {
  const { store, context } = session;
  const hits = new Map(references.map((reference) => [reference, [] as string[]]));
  const mark = (text: string) => (context.color ? `\x1b[32m${text}\x1b[0m` : text);
  const root = bytePath(store.physicalPath(path));
  const visit = (place: string): void => {
    const status = lstatSync(systemPath(place));
    const shown = decodeUtf8(place.slice(root.length + 1) || '/');
    if (status.isDirectory()) {
      for (const name of listNames(place).sort()) visit(`${place}/${name}`);
      return;
    }
    const content = status.isSymbolicLink() ? readLinkBytes(place) : readBytes(place);
    for (const reference of references) {
      const hash = hashPartOf(reference);
      const at = content.indexOf(hash);
      if (at < 0) continue;
      const [before, after] = status.isSymbolicLink() ? [content.slice(0, at), content.slice(at + hash.length)]
        : [content.slice(Math.max(0, at - marginBytes), at), content.slice(at + hash.length, at + hash.length + marginBytes)]
          .map((text) => text.replace(/[^\x20-\x7e]/g, '.'));
      const around = `${before}${mark(hash)}${after}`;
      hits.get(reference)?.push(status.isSymbolicLink() ? `${shown} -> ${around}` : `${shown}: …${around}…`);
    }
  };
  visit(root);
  return hits;
}

function readBytes(place: string): string {
  const descriptor = openSync(systemPath(place), 'r');
  try {
    return readFileSync(descriptor, 'latin1');
  } finally {
    closeSync(descriptor);
  }
}
