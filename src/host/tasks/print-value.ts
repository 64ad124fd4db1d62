/** The task that evaluates expressions and prints their values: `nix-instantiate --eval`. */

import {
  coerceToString, ContextCollector, force, forceDeep, printAmbiguous, valueToJson, valueToXml, type Value,
} from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import { autoCall, evaluateSource, makeAutoArguments } from './expression-source.ts';
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
  const { sources, attributePaths, autoArguments, write, ...options } = input as PrintInput;
  const args = makeAutoArguments(session, autoArguments);
  for (const source of sources) {
    const root = evaluateSource(session, source, { isMain: true });
    for (const path of attributePaths.length === 0 ? [''] : attributePaths) {
      const selected = force(selectPath(path, args, root));
      session.print(show(session, args.size === 0 ? selected : autoCall(args, selected), options));
    }
  }
  if (write) session.host.flush();
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
