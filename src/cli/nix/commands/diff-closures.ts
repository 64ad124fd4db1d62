/** `nix store diff-closures`: packages and versions that two closures do not have in common. */

import { nameOf, type StorePath } from '#formats';
import { parseDrvName } from '#runtime';
import { usageError } from '../../errors.ts';
import { renderSizeDifference } from '../../progress/describe.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { buildInstallables, derivationsOf, installableFlags, outPathsOf, resolveInstallables } from '../installables.ts';

export const { run, usage } = defineCommand({
  name: 'nix store diff-closures',
  operands: 'BEFORE AFTER',
  summary: 'Shows which packages and versions came and went between two closures.',
  flags: [
    { names: ['--derivation'], description: 'take the derivations themselves instead of their outputs' },
    ...installableFlags, ...buildFlags.filter(({ names }) => !names.includes('--dry-run')),
  ],
  async run(session) {
    const { flags, context } = session;
    if (flags.operands.length !== 2) throw usageError('Two installables are required', session.name);
    const progress = await session.openProgress();
    const [before, after] = await Promise.all((await resolveInstallables(session)).map(async (one) => {
      const paths = flags.has('--derivation') ? derivationsOf(session, [one])
        : outPathsOf(await buildInstallables(session, [one]));
      if (paths.length !== 1) throw usageError(`argument '${one.text}' should evaluate to one store path`, session.name);
      return groupedClosure(session, paths[0] as StorePath);
    }));
    progress.close();
    for (const line of differences(before!, after!, context.color)) session.print(line);
  },
});

/** Versions of a package with the bytes that each takes. */
type Versions = ReadonlyMap<string, number>;

/** The difference of two closures, a line for each package that has one. */
export function closureDifferences(session: CommandSession, before: StorePath, after: StorePath): string[] {
  return [...differences(groupedClosure(session, before), groupedClosure(session, after), session.context.color)];
}

function groupedClosure({ store }: CommandSession, path: StorePath): Map<string, Map<string, number>> {
  const groups = new Map<string, Map<string, number>>();
  for (const one of store.closureOf([path])) {
    // An output's name at the end is no part of the version.
    const text = /^(.*)-(?:[a-z]+|lib32|lib64)$/.exec(nameOf(one))?.[1] ?? nameOf(one);
    const { name, version } = parseDrvName(text);
    const versions = groups.get(name) ?? new Map<string, number>();
    versions.set(version, (versions.get(version) ?? 0) + (store.queryPathInfo(one)?.narSizeBytes ?? 0));
    groups.set(name, versions);
  }
  return groups;
}

/** Smaller changes of size are not worth a word. */
const noticeableBytes = 8 * 1024;

function* differences(
  before: ReadonlyMap<string, Versions>, after: ReadonlyMap<string, Versions>, color: boolean,
): Generator<string> {
  const none: Versions = new Map();
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [old, fresh] = [before.get(name) ?? none, after.get(name) ?? none];
    const removed = [...old.keys()].filter((version) => !fresh.has(version));
    const added = [...fresh.keys()].filter((version) => !old.has(version));
    const sum = (versions: Versions) => [...versions.values()].reduce((total, bytes) => total + bytes, 0);
    const change = sum(fresh) - sum(old);
    const parts: string[] = [];
    if (removed.length + added.length > 0) parts.push(`${showVersions(removed)} → ${showVersions(added)}`);
    if (Math.abs(change) >= noticeableBytes) {
      const text = renderSizeDifference(change);
      parts.push(color ? `\x1b[3${change > 0 ? 1 : 2};1m${text}\x1b[0m` : text);
    }
    if (parts.length > 0) yield `${name}: ${parts.join(', ')}`;
  }
}

function showVersions(versions: readonly string[]): string {
  return versions.length === 0 ? '∅' : [...versions].sort().map((version) => version || 'ε').join(', ');
}
