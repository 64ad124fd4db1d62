/** The task that prints one value as `nix eval` does: selected, a function applied to it, printed. */

import {
  call, coerceToString, ContextCollector, force, printValue, valueToJson, type Value,
} from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import { evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource } from './expression-source.ts';
import { fileTree, type FileTree } from './file-tree.ts';

export interface EvalInput {
  readonly source: ExpressionSource;
  /** A byte string; empty for the whole value. */
  readonly attributePath: string;
  readonly autoArguments: readonly AutoArgument[];
  /** A function that the value is given to first. */
  readonly apply: string | undefined;
  /** `files`: nothing is printed; the result is a `FileTree` to be written. */
  readonly form: 'plain' | 'json' | 'raw' | 'files';
  /** Computes store paths only. */
  readonly readOnly: boolean;
}

export function run(session: EvaluationSession, input: unknown): FileTree | undefined {
  const { source, attributePath, autoArguments, apply, form, readOnly } = input as EvalInput;
  const args = makeAutoArguments(session, autoArguments);
  let value = force(selectPath(attributePath, args, evaluateSource(session, source)));
  if (apply !== undefined) {
    value = call(session.evaluator.evaluateString(apply, session.workingDirectory), value);
  }
  const tree = form === 'files' ? fileTree(value) : session.print(show(session, value, form));
  if (!readOnly) session.host.flush();
  return tree ?? undefined;
}

function show(session: EvaluationSession, value: Value, form: Exclude<EvalInput['form'], 'files'>): string {
  const services = session.evaluator;
  const collector = new ContextCollector();
  switch (form) {
    case 'raw': return coerceToString(value, services, collector, 0, 'while generating the eval command output');
    case 'json': return `${valueToJson(value, services, collector, 0, { copyToStore: false })}\n`;
    case 'plain': return `${printValue(value, services, { force: true, derivationPaths: true })}\n`;
  }
}

export type { FileTree };
