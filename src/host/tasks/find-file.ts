/** The task that looks names up in the search path: `nix-instantiate --find-file`. */

import type { EvaluationSession } from '../worker/session.ts';

export function run(session: EvaluationSession, input: unknown): void {
  for (const name of (input as { names: readonly string[] }).names) {
    const found = session.evaluator.findFile(session.settings.searchPath, name, 0);
    session.print(`${found.path}\n`);
  }
}
