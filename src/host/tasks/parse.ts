/** The task that parses and prints what was understood: `nix-instantiate --parse`. */

import type { SourceOrigin } from '#diagnostics';
import { showExpr } from '#lang';
import { parentPath } from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { resolveFileArgument, type PlainSource } from './expression-source.ts';

export function run(session: EvaluationSession, input: unknown): void {
  for (const source of (input as { sources: readonly PlainSource[] }).sources) {
    session.print(`${parseSource(session, source)}\n`);
  }
}

function parseSource(session: EvaluationSession, source: PlainSource): string {
  const { evaluator, workingDirectory } = session;
  if (source.kind !== 'file') {
    const origin: SourceOrigin = { kind: source.kind === 'stdin' ? 'stdin' : 'string' };
    return showExpr(evaluator.parseText(source.text, origin, workingDirectory));
  }
  const path = evaluator.resolveFile(resolveFileArgument(session, source.path));
  const text = evaluator.host.readFile(path);
  return showExpr(evaluator.parseText(text, { kind: 'file', path }, parentPath(path)));
}
