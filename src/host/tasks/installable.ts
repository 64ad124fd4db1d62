/**
 * The task behind operands of the new-style commands: what a value, selected by an attribute path,
 * means as something to build. A derivation, a set of them, or a string or path in the store.
 */

import { NixError } from '#diagnostics';
import { parseBuiltElement } from '#formats';
import { ContextString, force, NixPath, type Slot } from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import {
  evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource,
} from './expression-source.ts';
import { findDerivationSets } from './find-derivations.ts';
import { PackageInfo } from './user-env/package-info.ts';

export interface InstallableInput {
  readonly source: ExpressionSource;
  readonly autoArguments: readonly AutoArgument[];
  readonly wanted: readonly {
    /** A byte string; empty for the whole value. */
    readonly attributePath: string;
    /** What stands behind `^`; undefined for what the derivation itself says. */
    readonly outputs: 'all' | readonly string[] | undefined;
  }[];
  /** Computes the paths only. */
  readonly readOnly?: boolean;
}

/** A store path, or outputs of a derivation. */
export type DerivedPath =
  | { readonly kind: 'path'; readonly path: string }
  | {
      readonly kind: 'built';
      readonly drvPath: string;
      readonly outputs: 'all' | readonly string[];
      /** The derivation is what these outputs lead to from `drvPath` on, each made by a derivation. */
      readonly through?: readonly string[];
    };

/** The results in the order of what is wanted. */
export function run(session: EvaluationSession, input: unknown): DerivedPath[][] {
  const { source, autoArguments, wanted, readOnly } = input as InstallableInput;
  const activity = session.host.progress.start('evaluate', 'expressions');
  if (readOnly !== true) session.host.expectFlush();
  try {
    const args = makeAutoArguments(session, autoArguments);
    const root = evaluateSource(session, source);
    const found = wanted.map(({ attributePath, outputs }) => {
      return derivedPathsOf(session, selectPath(attributePath, args, root), args, outputs, source.kind === 'flake');
    });
    if (readOnly !== true) session.host.flush();
    activity.finish();
    return found;
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
}

/**
 * What a value means as something to build. Where nothing is said of outputs, a package of a flake
 * means its output `out`, any other all of its outputs.
 */
export function derivedPathsOf(
  session: EvaluationSession, slot: Slot, args: Parameters<typeof findDerivationSets>[1],
  outputs: 'all' | readonly string[] | undefined, isOfFlake: boolean,
): DerivedPath[] {
  const single = singlePath(session, slot);
  return single !== undefined ? [single] : derivationsIn(session, slot, args, outputs, isOfFlake);
}

/** Of a path its copy in the store, of a string what its context names. */
function singlePath(session: EvaluationSession, slot: Slot): DerivedPath | undefined {
  const value = force(slot);
  if (value instanceof NixPath) return { kind: 'path', path: session.evaluator.copyPathToStore(value.path) };
  if (typeof value !== 'string' && !(value instanceof ContextString)) return undefined;
  const [text, context] = typeof value === 'string' ? [value, []] : [value.text, value.context];
  if (context.length !== 1) {
    throw new NixError('EvalError', `string '${text}' has ${context.length} entries in its context. `
      + 'It should only have exactly one entry');
  }
  const element = context[0] as string;
  if (element.startsWith('=')) {
    throw new NixError('EvalError', `string '${text}' has a context which refers to a complete source and binary closure. `
      + 'This is not supported at this time');
  }
  if (!element.startsWith('!')) return { kind: 'path', path: element };
  const { drvPath, chain } = parseBuiltElement(element);
  const through = chain.slice(0, -1);
  return { kind: 'built', drvPath, outputs: chain.slice(-1), ...(through.length === 0 ? {} : { through }) };
}

function derivationsIn(
  session: EvaluationSession, slot: Slot, args: Parameters<typeof findDerivationSets>[1],
  outputs: 'all' | readonly string[] | undefined, isOfFlake: boolean,
): DerivedPath[] {
  const byDerivation = new Map<string, Set<string> | 'all'>();
  for (const { attrs, path } of findDerivationSets(slot, args)) {
    const info = new PackageInfo(session.evaluator, path, attrs);
    const { drvPath } = info;
    if (drvPath === undefined) throw new NixError('Error', `'${path}' is not a derivation`);
    const found = byDerivation.get(drvPath) ?? new Set<string>();
    if (outputs === 'all' || found === 'all') {
      byDerivation.set(drvPath, 'all');
      continue;
    }
    const names = [...outputs ?? (isOfFlake && !info.saysOutputs ? ['out'] : info.outputsToInstall(false).keys())];
    for (const name of names.length === 0 ? ['out'] : names) found.add(name);
    byDerivation.set(drvPath, found);
  }
  return [...byDerivation].map(([drvPath, names]): DerivedPath =>
    ({ kind: 'built', drvPath, outputs: names === 'all' ? 'all' : [...names].sort() }));
}
