/** The task that evaluates expressions and prints their values: `nix-instantiate --eval`. */

import {
  Attrs, coerceToString, ContextCollector, force, forceDeep, printAmbiguous, valueToJson, valueToXml, type Value,
} from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import {
  autoCall, evaluateSource, makeAutoArguments, type ExpressionSource,
} from './expression-source.ts';
import type { InstantiateInput } from './instantiate.ts';

export interface PrintInput extends InstantiateInput {
  readonly form: 'plain' | 'json' | 'xml' | 'raw';
  readonly strict: boolean;
  /** Whether XML says where things were defined. */
  readonly location: boolean;
  /** Writes derivations and source copies to the store. */
  readonly write: boolean;
}

export function run(session: EvaluationSession, input: unknown): void {
  const { sources, attributePaths, autoArguments, write } = input as PrintInput;
  // Before anything is evaluated: faults in them are told first.
  const args = makeAutoArguments(session, autoArguments);
  for (const source of sources) {
    const root = evaluateSource(session, source, { isMain: true });
    for (const path of attributePaths.length === 0 ? [''] : attributePaths) {
      const value = selected(args, root, path);
      // Values of an image have been evaluated by somebody else.
      if (showsSuspended(value, input as PrintInput)) session.evaluator.cannotKeep('what need not have been evaluated');
      session.print(exactly(session, source, path, value, input as PrintInput)
        ?? show(session, value, input as PrintInput));
    }
  }
  if (write) session.host.flush();
}

function selected(args: Attrs, root: Value, path: string): Value {
  const value = force(selectPath(path, args, root));
  return args.size === 0 ? value : autoCall(args, value);
}

/** How a value is shown where one sees which of its parts C++ Nix would have evaluated. */
function exactly(
  session: EvaluationSession, source: ExpressionSource, path: string, value: Value, input: PrintInput,
): string | undefined {
  if (!showsSuspended(value, input)) return undefined;
  return session.suspended((again) => {
    const args = makeAutoArguments(again, input.autoArguments);
    const root = evaluateSource(again, source, { isMain: true });
    return show(again, selected(args, root, path), input);
  });
}

/** Whether what is shown of a value tells which of its parts have been evaluated. */
function showsSuspended(value: Value, { strict, form }: PrintInput): boolean {
  return !strict && (form === 'plain' || form === 'xml') && (Array.isArray(value) || value instanceof Attrs);
}

function show(
  session: EvaluationSession, value: Value, options: Pick<PrintInput, 'form' | 'strict' | 'location'>,
): string {
  const services = session.evaluator;
  const collector = new ContextCollector();
  switch (options.form) {
    case 'raw':
      return coerceToString(value, services, collector, 0, 'while generating the nix-instantiate output');
    case 'json':
      return `${valueToJson(value, services, collector)}\n`;
    case 'xml':
      return valueToXml(value, collector, { strict: options.strict, location: options.location });
    case 'plain':
      if (options.strict) forceDeep(value);
      return `${printAmbiguous(value, services.settings.maxCallDepth)}\n`;
  }
}
