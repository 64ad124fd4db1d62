/** The tasks behind `nix edit` and `nix bundle`: where a package is defined, and what a bundler makes of it. */

import { decodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import {
  Attrs, call, coerceToString, ContextCollector, force, forceStringNoContext, isDerivation, type Slot,
} from '#runtime';
import type { FlakeSource } from '../flakes/flake-source.ts';
import { evaluateFlakeSource, findFlakeOutput } from '../flakes/open-flake.ts';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import {
  autoCall, evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource,
} from './expression-source.ts';

export interface ValueQuestion {
  readonly source: ExpressionSource;
  readonly autoArguments: readonly AutoArgument[];
  /** A byte string. */
  readonly attributePath: string;
  readonly action: { readonly kind: 'position' } | { readonly kind: 'bundle'; readonly bundler: FlakeSource };
}

/** Ordinary strings. */
export interface ValueAnswer {
  /** Where the value says that it is defined. */
  readonly position?: { readonly file: string; readonly line: number };
  readonly bundle?: { readonly drvPath: string; readonly outPath: string; readonly name: string };
}

export function run(session: EvaluationSession, input: unknown): ValueAnswer {
  const { source, autoArguments, attributePath, action } = input as ValueQuestion;
  const args = makeAutoArguments(session, autoArguments);
  const slot = source.kind === 'flake' ? findFlakeOutput(session, source).slot
    : selectPath(attributePath, args, evaluateSource(session, source));
  if (action.kind === 'position') return { position: positionOf(session, slot) };
  const bundle = bundleOf(session, autoCall(args, slot), action.bundler);
  session.host.flush();
  return { bundle };
}

/** What `meta.position` says: `FILE:LINE`. */
function positionOf({ evaluator }: EvaluationSession, slot: Slot): { file: string; line: number } {
  const text = decodeUtf8(coerceToString(selectPath('meta.position', Attrs.fromEntries([]), force(slot)), evaluator,
    new ContextCollector(), 0, 'while evaluating the position of a package', { copyToStore: false }));
  const match = /^(.*):([0-9]+)$/s.exec(text);
  if (match === null) throw new NixError('Error', `cannot parse meta.position attribute '${text}'`);
  return { file: match[1] as string, line: Number(match[2]) };
}

function bundleOf(session: EvaluationSession, value: Slot, bundler: FlakeSource): NonNullable<ValueAnswer['bundle']> {
  const made = call(evaluateFlakeSource(session, bundler), value);
  const shown = bundler.reference;
  if (!(made instanceof Attrs) || !isDerivation(made) || !made.has('drvPath') || !made.has('outPath')) {
    throw new NixError('Error', `the bundler '${shown}' does not produce a derivation`);
  }
  const path = (name: string) => coerceToString(
    made.get(name)!, session.evaluator, new ContextCollector(), made.positionOf(name), '', { copyToStore: false });
  const name = made.get('name');
  if (name === undefined) throw new NixError('Error', "attribute 'name' missing");
  return { drvPath: path('drvPath'), outPath: path('outPath'), name: decodeUtf8(forceStringNoContext(name, 0, '')) };
}
