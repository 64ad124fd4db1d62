/** `nix edit`: opens the file where a package is defined in the user's editor. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { valueTask, type ValueAnswer } from '#host';
import { cannotFindPosition, programFailed, usageError } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { workFolder } from '../flake-folder.ts';
import { expressionSource, installableFlags } from '../installables.ts';
import { purityOf, valueSource } from '../value-source.ts';
import { runFlakeTask } from './flake.ts';

export const { run, usage } = defineCommand({
  name: 'nix edit',
  operands: '[INSTALLABLE]',
  summary: 'Opens the Nix expression of a package in $EDITOR.',
  flags: installableFlags,
  async run(session) {
    const { flags, context, name } = session;
    const [operand = '.', another] = flags.operands;
    if (another !== undefined) throw usageError(`'${another}' is one operand too many`, name);
    const progress = await session.openProgress();
    const question = valueSource(session, operand);
    const { position } = await session.workspace().evaluate<ValueAnswer>(
      valueTask, { ...question, action: { kind: 'position' } }, { settingOverrides: purityOf(session, question) })
      .catch((error: unknown) => { throw cannotFindPosition(operand, error); });
    const file = await editableFile(session, operand, position!.file);
    progress.close();
    const [program = 'cat', ...args] = (context.env['EDITOR'] || 'cat').split(/\s+/).filter(Boolean);
    const line = position!.line > 0 && /emacs|nano|vim|kak/.test(program) ? [`+${position!.line}`] : [];
    const { status, error } = spawnSync(program, [...args, ...line, file], { stdio: 'inherit' });
    if (error !== undefined) throw programFailed(program, error.message);
    if (status !== 0) throw programFailed(program, `exit code ${status}`);
  },
});

/** The user's own file where a flake's source is a copy of it; what is in the store otherwise. */
async function editableFile(session: CommandSession, operand: string, file: string): Promise<string> {
  const { store } = session;
  const stored = file.startsWith(`${store.storeDirectory}/`) ? store.physicalPath(file) : file;
  if (expressionSource(session) !== undefined || stored === file && !file.startsWith(store.storeDirectory)) return stored;
  const { report } = await runFlakeTask(
    session, operand.replace(/#.*/, '') || '.', { kind: 'metadata' }, { mayWrite: false }, { quiet: true });
  const folder = workFolder(report!.metadata.resolved);
  if (folder === undefined || !file.startsWith(`${report!.metadata.path}/`)) return stored;
  const own = join(folder, file.slice(report!.metadata.path.length + 1));
  return existsSync(own) ? own : stored;
}
