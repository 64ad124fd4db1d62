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
  /** Fails where something would have to be built to go on. */
  readonly refusesBuilds?: boolean;
  /** Prints the paths too, as soon as what is selected from a source is written. */
  readonly prints?: boolean;
}

export function run(session: EvaluationSession, input: unknown): FoundDerivation[] {
  const {
    sources, attributePaths, autoArguments, dryRun = false, refusesBuilds = false, prints = false,
  } = input as InstantiateInput;
  if (refusesBuilds) session.host.refuseBuilds();
  if (!dryRun) session.host.expectFlush();
  const activity = session.host.progress.start('evaluate', 'expressions');
  const args = makeAutoArguments(session, autoArguments);
  const found: FoundDerivation[] = [];
  try {
    for (const source of sources) {
      const root = evaluateSource(session, source, { isMain: true });
      for (const path of attributePaths.length === 0 ? [''] : attributePaths) {
        const selected = findDerivations(selectPath(path, args, root), args, session.evaluator);
        found.push(...selected);
        if (prints) {
          if (!dryRun) session.host.flush();
          session.print(selected.map(nameOfOutput).join(''));
        }
      }
    }
    activity.detail('writing derivations');
    if (!dryRun) session.host.flush();
    activity.finish();
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
  return found;
}

/** A line that says which output of which derivation. */
function nameOfOutput({ drvPath, output }: FoundDerivation): string {
  return `${drvPath}${output === 'out' ? '' : `!${output}`}\n`;
}
