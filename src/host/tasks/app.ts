/** The task behind `nix run`: the program of an app, or of a derivation, and what must be built for it. */

import { NixError } from '#diagnostics';
import {
  Attrs, coerceToString, ContextCollector, force, forceAttrs, forceStringNoContext, isDerivation, parseDrvName,
  type Value,
} from '#runtime';
import { findFlakeOutput } from '../flakes/open-flake.ts';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import {
  autoCall, evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource,
} from './expression-source.ts';

export interface AppInput {
  readonly source: ExpressionSource;
  readonly autoArguments: readonly AutoArgument[];
  /** A byte string; empty for the whole value. */
  readonly attributePath: string;
}

export interface FoundApp {
  /** In the store; a byte string. */
  readonly program: string;
  /** Context elements: what must be valid for the program to be there. */
  readonly context: readonly string[];
}

export function run(session: EvaluationSession, input: unknown): FoundApp {
  const { source, autoArguments, attributePath } = input as AppInput;
  const args = makeAutoArguments(session, autoArguments);
  const found = source.kind === 'flake' ? findFlakeOutput(session, source)
    : { slot: selectPath(attributePath, args, evaluateSource(session, source)), attributePath };
  const app = describe(session, autoCall(args, found.slot), found.attributePath);
  session.host.flush();
  return app;
}

function describe(session: EvaluationSession, value: Value, attributePath: string): FoundApp {
  if (!(value instanceof Attrs)) throw new NixError('TypeError', `attribute '${attributePath}' is no app and no derivation`);
  const collector = new ContextCollector();
  const text = (attrs: Attrs, name: string, trace: string) =>
    coerceToString(attrs.get(name) ?? missing(name), session.evaluator, collector, attrs.positionOf(name), trace);
  const type = value.get('type');
  const name = type === undefined ? '' : forceStringNoContext(type, 0, "while evaluating the 'type' attribute of an app");
  const expected = /^(apps|defaultApp)(\.|$)/.test(attributePath) ? 'app' : 'derivation';
  if (name !== expected) throw new NixError('Error', `attribute '${attributePath}' should have type '${expected}'`);
  if (isDerivation(value)) {
    const outPath = text(value, 'outPath', 'while evaluating the output path of a derivation');
    return { program: `${outPath}/bin/${mainProgram(value)}`, context: collector.context };
  }
  const program = text(value, 'program', "while evaluating the 'program' attribute of an app");
  return { program, context: collector.context };
}

/** `meta.mainProgram`, the package's name, or what stands before the version in the derivation's. */
function mainProgram(derivation: Attrs): string {
  const meta = derivation.get('meta');
  const named = meta === undefined ? undefined
    : forceAttrs(force(meta), 0, "while evaluating the 'meta' attribute of a derivation").get('mainProgram');
  const slot = named ?? derivation.get('pname');
  if (slot !== undefined) return forceStringNoContext(slot, 0, 'while evaluating the name of a program');
  const name = forceStringNoContext(
    derivation.get('name') ?? missing('name'), 0, "while evaluating the 'name' attribute of a derivation");
  return parseDrvName(name).name;
}

function missing(name: string): never {
  throw new NixError('Error', `attribute '${name}' missing`);
}
