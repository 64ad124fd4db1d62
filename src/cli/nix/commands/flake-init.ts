/** `nix flake init` and `nix flake new`: a flake made from a template. */

import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { encodeUtf8 } from '#base';
import { programFailed, templateConflicts, usageError } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { copyFile } from '../copy-out.ts';
import type { Flag } from '../flags.ts';
import { flakeCommandFlags } from './flake.ts';
import { askSource } from './flake-prefetch.ts';

const templateFlags: readonly Flag[] = [
  { names: ['--template', '-t'], operands: ['TEMPLATE'], description: 'the template (default: that of the flake templates)' },
  ...flakeCommandFlags.filter(({ names }) => ['-I', '--override-flake', '--impure', '--show-trace', '--inputs-from'].includes(names[0])),
];

export const init = defineCommand({
  name: 'nix flake init',
  summary: 'Makes a flake in the current folder from a template.',
  flags: templateFlags,
  async run(session) {
    if (session.flags.operands.length > 0) throw usageError(`'${session.flags.operands[0]}' is one operand too many`, session.name);
    await writeTemplate(session, session.context.cwd);
  },
});

export const create = defineCommand({
  name: 'nix flake new',
  operands: 'FOLDER',
  summary: 'Makes a flake in a folder from a template.',
  flags: templateFlags,
  async run(session) {
    const { flags, context, name } = session;
    const [folder, another] = flags.operands;
    if (folder === undefined || another !== undefined) throw usageError('one folder is wanted', name);
    await writeTemplate(session, resolve(context.cwd, folder));
  },
});

async function writeTemplate(session: CommandSession, target: string): Promise<void> {
  const { template } = await askSource(session, {
    kind: 'template',
    source: {
      kind: 'flake', reference: encodeUtf8(session.flags.last('--template') ?? 'templates'), lock: { mayWrite: false },
      attributes: { prefixes: ['templates.'], defaults: ['templates.default', 'defaultTemplate'] },
    },
  });
  const { folder, welcomeText } = template!;
  const progress = await session.openProgress();
  const written: string[] = [];
  let conflicts = 0;
  const copy = (from: string, to: string, shown: string): void => {
    if (lstatSync(from).isDirectory()) {
      mkdirSync(to, { recursive: true });
      for (const name of readdirSync(from)) copy(join(from, name), join(to, name), `${shown}/${name}`);
    } else if (lstatSync(to, { throwIfNoEntry: false }) === undefined) {
      copyFile(from, to);
      written.push(to);
      progress.message('notice', `wrote: "${to}"`);
    } else if (isSame(from, to)) {
      progress.message('notice', `skipping identical file: ${shown}`);
    } else {
      conflicts += 1;
      progress.message('notice', `refusing to overwrite existing file "${to}"\n please merge it manually with '${shown}'`);
    }
  };
  copy(session.store.physicalPath(folder), target, folder);
  if (written.length > 0 && existsSync(join(target, '.git'))) tellGit(target, written);
  if (welcomeText !== undefined) progress.message('notice', `\n\n${welcomeText.trim()}\n`);
  progress.close();
  if (conflicts > 0) throw templateConflicts(conflicts);
}

/** Whether a file is there already as the template has it. */
function isSame(from: string, to: string): boolean {
  const [wanted, found] = [lstatSync(from), lstatSync(to)];
  if (wanted.isSymbolicLink()) return found.isSymbolicLink() && readlinkSync(from) === readlinkSync(to);
  return found.isFile() && readFileSync(from).equals(readFileSync(to));
}

/** Only files that Git knows of are part of a flake. */
function tellGit(folder: string, files: readonly string[]): void {
  const { status } = spawnSync('git', ['-C', folder, 'add', '--intent-to-add', '--force', '--', ...files], { stdio: ['ignore', 2, 'inherit'] });
  if (status !== 0) throw programFailed('git', `exit code ${status}`);
}
