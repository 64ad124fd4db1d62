/** The workspace for one command of a REPL: its builds show their progress. */

import type { Workspace } from '#system';
import type { CommandContext } from '../context.ts';
import type { ParsedFlags } from '../nix/flags.ts';

export async function withWorkspace<T>(
  flags: ParsedFlags, context: CommandContext, use: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const { openCommandProgress } = await import('../nix/progress.ts');
  const { openWorkspace } = await import('../nix/workspace.ts');
  const progress = await openCommandProgress(flags, context);
  const workspace = openWorkspace(flags, context, progress);
  try {
    return await use(workspace);
  } finally {
    progress.close();
    await workspace.close();
  }
}
