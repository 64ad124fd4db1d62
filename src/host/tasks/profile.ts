/**
 * The task behind `nix profile`: what operands mean, where they come from, and what a profile made by
 * `nix-env` holds.
 */

import { decodeUtf8 } from '#base';
import { inputSettings, isLocked, parseReference, printReference, type Slot } from '#runtime';
import { openFlake, outputsOf, selectOutput } from '../flakes/open-flake.ts';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import {
  evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource,
} from './expression-source.ts';
import { findDerivationSets } from './find-derivations.ts';
import { derivedPathsOf, type DerivedPath } from './installable.ts';
import { PackageInfo } from './user-env/package-info.ts';
import { queryInstalled } from './user-env/package-source.ts';

export type ProfileQuestion =
  /** The output paths in a profile's manifest.nix; `profile` is a byte string. */
  | { readonly kind: 'installed'; readonly profile: string }
  /** What is to be installed. */
  | { readonly kind: 'resolve'; readonly autoArguments: readonly AutoArgument[];
      readonly wanted: readonly WantedElement[] }
  /** Whether flakes are named by what can never change; ordinary strings. */
  | { readonly kind: 'locked'; readonly references: readonly string[] };

export interface WantedElement {
  readonly source: ExpressionSource;
  /** A byte string; of no use for a flake, which says it itself. */
  readonly attributePath: string;
  readonly outputs: 'all' | readonly string[] | undefined;
}

export interface ResolvedElement {
  readonly derived: readonly DerivedPath[];
  /** Of a flake only; ordinary strings. */
  readonly flake: { readonly originalUrl: string; readonly url: string; readonly attrPath: string } | undefined;
  /** What the package says. */
  readonly priority: number | undefined;
}

export function run(session: EvaluationSession, input: unknown): string[] | ResolvedElement[] | boolean[] {
  const question = input as ProfileQuestion;
  switch (question.kind) {
    case 'installed': return queryInstalled(session, question.profile).map((one) => one.outPath);
    case 'locked': return question.references.map((text) => {
      const settings = inputSettings(session.evaluator);
      return isLocked(parseReference(text, settings, { allowMissing: true }).input, settings);
    });
    case 'resolve': {
      const args = makeAutoArguments(session, question.autoArguments);
      const found = question.wanted.map((one): ResolvedElement => {
        const { slot, flake } = select(session, one, args);
        const derived = derivedPathsOf(session, slot, args, one.outputs, one.source.kind === 'flake');
        return { flake, derived, priority: priorityOf(session, slot, args) };
      });
      session.host.flush();
      return found;
    }
  }
}

function select(
  session: EvaluationSession, { source, attributePath }: WantedElement, args: ReturnType<typeof makeAutoArguments>,
): { slot: Slot; flake: ResolvedElement['flake'] } {
  if (source.kind !== 'flake') {
    return { slot: selectPath(attributePath, args, evaluateSource(session, source)), flake: undefined };
  }
  const { locked, fragment } = openFlake(session, source.reference, source.lock);
  const { original, locked: pinned } = locked.flake;
  const originalUrl = printReference(original);
  const selected = selectOutput(outputsOf(session, locked), fragment, source.attributes, originalUrl);
  return {
    slot: selected.slot,
    flake: {
      originalUrl: decodeUtf8(originalUrl), url: decodeUtf8(printReference(pinned)),
      attrPath: decodeUtf8(selected.attributePath),
    },
  };
}

/** `meta.priority` of the only derivation that a value is. */
function priorityOf(
  session: EvaluationSession, slot: Slot, args: ReturnType<typeof makeAutoArguments>,
): number | undefined {
  try {
    const [only, ...others] = findDerivationSets(slot, args);
    if (only === undefined || others.length > 0) return undefined;
    const info = new PackageInfo(session.evaluator, only.path, only.attrs);
    const priority = info.metaInteger('priority', Number.NaN);
    return Number.isNaN(priority) ? undefined : priority;
  } catch {
    // A path or a text has none.
    return undefined;
  }
}
