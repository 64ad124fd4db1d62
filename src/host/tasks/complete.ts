/**
 * The task behind shell completion: names of inputs and attributes that go on from what was typed.
 *
 * What cannot be evaluated has no completions, and nothing is said about why: the user is in the
 * middle of a word.
 */

import { UserError } from '#base';
import { NixError } from '#diagnostics';
import { Attrs, force, inputSettings, parseReference, printAttributeName, type Slot } from '#runtime';
import type { FlakeAttributes } from '../flakes/flake-source.ts';
import { openFlake, outputsOf } from '../flakes/open-flake.ts';
import type { EvaluationSession } from '../worker/session.ts';
import { parseAttributePath, selectPath } from './attribute-path.ts';
import {
  autoCall, evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource,
} from './expression-source.ts';

/** All texts are byte strings. */
export type CompletionQuestion =
  /** Inputs of flakes whose names begin so. */
  | { readonly kind: 'inputs'; readonly flakes: readonly string[]; readonly begun: string }
  /** Attributes of a flake, by `REFERENCE#BEGUN`. */
  | { readonly kind: 'outputs'; readonly reference: string; readonly begun: string; readonly attributes: FlakeAttributes }
  /** Attributes of a file or an expression. */
  | { readonly kind: 'attributes'; readonly source: ExpressionSource; readonly autoArguments: readonly AutoArgument[]; readonly begun: string };

/** What the word may become, behind `#` where there is one. */
export function run(session: EvaluationSession, input: unknown): string[] {
  const question = input as CompletionQuestion;
  try {
    switch (question.kind) {
      case 'inputs': return question.flakes.flatMap((flake) => inputsOf(session, flake))
        .filter((name) => name.startsWith(question.begun));
      case 'outputs': return completeOutputs(session, question);
      case 'attributes': {
        const args = makeAutoArguments(session, question.autoArguments);
        const { before, last } = splitPath(question.begun);
        const value = autoCall(args, selectPath(before, args, evaluateSource(session, question.source)));
        return namesIn(value, last).map((name) => (before === '' ? name : `${before}.${name}`));
      }
    }
  } catch (error) {
    if (error instanceof NixError || error instanceof UserError) return [];
    throw error;
  }
}

function inputsOf({ evaluator, workingDirectory, host }: EvaluationSession, flake: string): string[] {
  try {
    const reference = parseReference(flake, inputSettings(evaluator), { baseDirectory: workingDirectory, files: host });
    return [...evaluator.flakes.read(reference).inputs.keys()];
  } catch (error) {
    if (error instanceof NixError || error instanceof UserError) return [];
    throw error;
  }
}

function completeOutputs(
  session: EvaluationSession, { reference, begun, attributes }: Extract<CompletionQuestion, { kind: 'outputs' }>,
): string[] {
  const { locked } = openFlake(session, reference, { mayWrite: false });
  const outputs = outputsOf(session, locked);
  const isWhole = begun.startsWith('.');
  const fragment = isWhole ? begun.slice(1) : begun;
  const { before, last } = splitPath(fragment);
  const found = (isWhole ? [''] : [...attributes.prefixes, '']).flatMap((prefix) => {
    const slot = follow(outputs, parseAttributePath(prefix + before));
    return slot === undefined ? [] : namesIn(slot, last).map((name) => (before === '' ? name : `${before}.${name}`));
  });
  const hasDefault = fragment === '' && attributes.defaults.some((path) => follow(outputs, parseAttributePath(path)) !== undefined);
  return [...hasDefault ? [''] : [], ...found].map((name) => (isWhole ? `.${name}` : name));
}

function splitPath(path: string): { before: string; last: string } {
  const dot = path.lastIndexOf('.');
  return { before: path.slice(0, Math.max(dot, 0)), last: path.slice(dot + 1) };
}

function follow(root: Slot, parts: readonly string[]): Slot | undefined {
  let slot: Slot | undefined = root;
  for (const part of parts) {
    const value = force(slot);
    slot = value instanceof Attrs ? value.get(part) : undefined;
    if (slot === undefined) return undefined;
  }
  return slot;
}

function namesIn(slot: Slot, begun: string): string[] {
  const value = force(slot);
  return value instanceof Attrs ? value.names().filter((name) => name.startsWith(begun)).map(printAttributeName) : [];
}
