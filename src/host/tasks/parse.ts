/** The task that parses and prints what was understood: `nix-instantiate --parse`. */

import { registerSource, type SourceOrigin } from '#diagnostics';
import { parse, showExpr } from '#lang';
import { parentPath } from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { resolveFileArgument, type ExpressionSource } from './expression-source.ts';

export function run(session: EvaluationSession, input: unknown): void {
  for (const source of (input as { sources: readonly ExpressionSource[] }).sources) {
    session.print(`${parseSource(session, source)}\n`);
  }
}

function parseSource(session: EvaluationSession, source: ExpressionSource): string {
  const { settings, host, evaluator } = session;
  const file = source.kind === 'file' ? evaluator.resolveFile(resolveFileArgument(session, source.path)) : undefined;
  const text = file === undefined ? (source as { text: string }).text : host.readFile(file);
  const origin: SourceOrigin = file !== undefined ? { kind: 'file', path: file }
    : { kind: source.kind === 'stdin' ? 'stdin' : 'string' };
  const result = parse(text, {
    base: registerSource(origin, text),
    directory: file === undefined ? session.workingDirectory : parentPath(file),
    home: settings.pureEval ? undefined : settings.homeDirectory,
    pipes: settings.features.has('pipe-operators'),
  });
  if (result.tree === undefined) throw result.diagnostics[0]!;
  return showExpr(result.tree);
}
