/** `nix flake prefetch` and `nix flake clone`: the source of a flake, in the store or to work on. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { decodeUtf8, encodeUtf8, formatHash } from '#base';
import { flakeSourceTask, type FlakeSourceInput, type FlakeSourceResult } from '#host';
import { inputToUrl } from '#runtime';
import { cannotCloneInto, cannotCloneRevision, programFailed, usageError } from '../../errors.ts';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import { copyOut } from '../copy-out.ts';
import { addRoot } from '../roots.ts';
import { flakeCommandFlags, flakeOperand } from './flake.ts';

export const prefetch = defineCommand({
  name: 'nix flake prefetch',
  operands: '[FLAKE]',
  summary: 'Fetches the source of a flake, or of anything that a flake reference names, into the store.',
  flags: [
    { names: ['--out-link', '-o'], operands: ['PATH'], description: 'make a link to the source' },
    ...jsonFlags, ...flakeCommandFlags,
  ],
  async run(session) {
    const { flags, context, store } = session;
    const { resolved, locked, storePath } = await askSource(session, { kind: 'fetch', reference: encodeUtf8(flakeOperand(session)) });
    const path = storePath!;
    const hash = formatHash(store.queryPathInfo(path)!.narHash, 'sri');
    if (flags.has('--json')) {
      session.printJson({ storePath: path, hash, original: resolved, locked });
    } else {
      const shown = decodeUtf8(inputToUrl(new Map(Object.entries(locked!).map(([name, value]) =>
        [encodeUtf8(name), typeof value === 'string' ? encodeUtf8(value) : value]))));
      (await session.openProgress()).message('notice', `Downloaded '${shown}' to '${path}' (hash '${hash}').`);
    }
    const link = flags.last('--out-link');
    if (link !== undefined) addRoot(store, resolve(context.cwd, link), path);
  },
});

export const clone = defineCommand({
  name: 'nix flake clone',
  operands: 'FLAKE --dest PATH',
  summary: 'Clones the repository of a flake; what is no repository is copied.',
  flags: [
    { names: ['--dest', '-f'], operands: ['PATH'], description: 'where the clone goes' },
    ...flakeCommandFlags,
  ],
  async run(session) {
    const { flags, context, store } = session;
    const destination = flags.last('--dest');
    if (destination === undefined) throw usageError("missing flag '--dest'", session.name);
    const place = resolve(context.cwd, destination);
    const reference = encodeUtf8(flakeOperand(session));
    const { resolved } = await askSource(session, { kind: 'resolve', reference });
    const repository = repositoryOf(resolved!);
    if (repository !== undefined) {
      if (resolved!.rev !== undefined) throw cannotCloneRevision();
      const progress = await session.openProgress();
      progress.close();
      const branch = resolved!.ref === undefined ? [] : ['--branch', String(resolved!.ref)];
      const { status } = spawnSync('git', ['clone', ...branch, '--', repository, place], { stdio: ['inherit', 2, 'inherit'] });
      if (status !== 0) throw programFailed('git', `exit code ${status}`);
      return;
    }
    if (existsSync(place)) throw cannotCloneInto(place);
    const { storePath } = await askSource(session, { kind: 'fetch', reference });
    copyOut(store.physicalPath(storePath!), place);
  },
});

export async function askSource(session: CommandSession, input: FlakeSourceInput): Promise<FlakeSourceResult> {
  const progress = await session.openProgress();
  const result = await session.workspace().evaluate<FlakeSourceResult>(flakeSourceTask, input);
  progress.close();
  return result;
}

/** What Git clones; undefined for what is no Git repository. */
function repositoryOf(input: Readonly<Record<string, string | number | boolean>>): string | undefined {
  const { type, url, host, owner, repo } = input;
  switch (type) {
    case 'git': return String(url).replace(/^git\+/, '');
    case 'github': return `https://${host ?? 'github.com'}/${owner}/${repo}.git`;
    case 'gitlab': return `https://${host ?? 'gitlab.com'}/${owner}/${repo}.git`;
    case 'sourcehut': return `https://${host ?? 'git.sr.ht'}/${owner}/${repo}`;
    default: return undefined;
  }
}
