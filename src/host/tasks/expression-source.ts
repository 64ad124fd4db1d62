/** Where a command's expression comes from, and the arguments for functions on the way. */

import { NixError } from '#diagnostics';
import {
  Attrs, call, canonicalPath, force, isCallable, Lambda, resolvePath, type AttrsEntry, type Slot, type Value,
} from '#runtime';
import type { FlakeSource } from '../flakes/flake-source.ts';
import { evaluateFlakeSource } from '../flakes/open-flake.ts';
import type { EvaluationSession } from '../worker/session.ts';

/** A file, or a text of the command line or of standard input. */
export type PlainSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'stdin'; readonly text: string };

export type ExpressionSource = PlainSource | FlakeSource;

/** An argument of `--arg` (Nix code), `--argstr` and the like (a string); byte strings. */
export interface AutoArgument {
  readonly name: string;
  readonly kind: 'expression' | 'string';
  readonly text: string;
}

/**
 * The value of an expression, forced to its head. Files may be `<name>`s; traces say that a file was
 * being evaluated, unless `isMain`: the commands older than `nix` do not.
 */
export function evaluateSource(
  session: EvaluationSession, source: ExpressionSource, { isMain = false } = {},
): Value {
  const { evaluator, workingDirectory } = session;
  switch (source.kind) {
    case 'file': {
      const file = resolveFileArgument(session, source.path);
      return isMain ? evaluator.evaluateMainFile(file) : evaluator.evaluateFile(file);
    }
    case 'text': return evaluator.evaluateString(source.text, workingDirectory);
    case 'stdin': return evaluator.evaluateString(source.text, workingDirectory, { kind: 'stdin' });
    case 'flake': return evaluator.guard(() => evaluateFlakeSource(session, source));
  }
}

/** The file that an operand means: a path, `<name>`, or something to be fetched. */
export function resolveFileArgument(session: EvaluationSession, operand: string): string {
  const { evaluator, settings, workingDirectory, host } = session;
  if (operand.startsWith('<') && operand.endsWith('>') && operand.length > 2) {
    return evaluator.findFile(settings.searchPath, operand.slice(1, -1), 0).path;
  }
  if (/^[a-z+]+:/.test(operand)) {
    const fetched = host.resolveSearchPathEntry(operand);
    if (fetched === null) throw new NixError('Error', `cannot fetch '${operand}'`);
    return fetched;
  }
  return operand.startsWith('/') ? canonicalPath(operand) : resolvePath(workingDirectory, operand);
}

/** The set of automatic arguments; each is read now and evaluated when it is used. */
export function makeAutoArguments(session: EvaluationSession, args: readonly AutoArgument[]): Attrs {
  return Attrs.fromEntries(args.map(({ name, kind, text }): AttrsEntry => [
    name,
    kind === 'string' ? text : session.evaluator.delayString(text, session.workingDirectory),
  ]));
}

/** Calls a function that takes a set with what it wants of the automatic arguments. */
export function autoCall(args: Attrs, slot: Slot): Value {
  const value = force(slot);
  if (value instanceof Attrs) {
    const functor = value.get('__functor');
    if (functor === undefined) return value;
    const made = call(force(functor), value);
    return isCallable(made) ? autoCall(args, made) : made;
  }
  if (!(value instanceof Lambda) || value.info.formals === undefined) return value;
  const { formals, ellipsis } = value.info;
  const given = new Map<string, Slot>();
  if (ellipsis) for (const name of args.names()) given.set(name, args.get(name)!);
  for (const formal of formals) {
    const slot = args.get(formal.name);
    if (slot !== undefined) given.set(formal.name, slot);
    else if (!formal.hasDefault) throw missingAutoArgument(formal.name, formal.position);
  }
  return call(value, Attrs.fromEntries(given));
}

function missingAutoArgument(name: string, position: number): NixError {
  return new NixError(
    'MissingArgumentError',
    `cannot evaluate a function that has an argument without a value ('${name}')\n`
    + 'Nix attempted to evaluate a function as a top level expression; in\n'
    + 'this case it must have its arguments supplied either by default\n'
    + "values, or passed explicitly with '--arg' or '--argstr'. See\n"
    + 'https://nix.dev/manual/nix/stable/language/syntax.html#functions.',
    position,
  );
}
