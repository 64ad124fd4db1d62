/**
 * The task that evaluates expressions to derivations and writes them to the store.
 *
 * The result lists the derivations in the order in which they were found.
 */

import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import {
  evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource,
} from './expression-source.ts';
import { findDerivations, type FoundDerivation } from './find-derivations.ts';

export type { AutoArgument, ExpressionSource, FoundDerivation };

export interface InstantiateInput {
  readonly sources: readonly ExpressionSource[];
  /** Attribute paths to select from each; the whole value if there are none. */
  readonly attributePaths: readonly string[];
  readonly autoArguments: readonly AutoArgument[];
  /** Computes the paths only. */
  readonly dryRun?: boolean;
}

export function run(session: EvaluationSession, input: unknown): FoundDerivation[] {
  const { sources, attributePaths, autoArguments, dryRun } = input as InstantiateInput;
  const activity = session.host.progress.start('evaluate', 'expressions');
  const args = makeAutoArguments(session, autoArguments);
  const found: FoundDerivation[] = [];
  try {
    for (const source of sources) {
      const root = evaluateSource(session, source);
      for (const path of attributePaths.length === 0 ? [''] : attributePaths) {
        found.push(...findDerivations(selectPath(path, args, root), args, session.evaluator));
      }
    }
    activity.detail('writing derivations');
    if (dryRun !== true) session.host.flush();
    activity.finish();
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
  return found;
}
