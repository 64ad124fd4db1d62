/** What the values of a flake's conventional outputs must be: derivations, apps, overlays, … */

import { NixError, type Position } from '#diagnostics';
import {
  Attrs, coerceToPath, ContextCollector, force, forceAttrs, forceString, forceStringNoContext, isCallable, isDerivation,
  Lambda, showType, type Slot,
} from '#runtime';
import { selectPath } from '../../tasks/attribute-path.ts';
import { PackageInfo } from '../../tasks/user-env/package-info.ts';
import type { EvaluationSession } from '../../worker/session.ts';

/** Throws for what is not as it should be; a derivation's path is returned. */
export type CheckValue = (
  session: EvaluationSession, attributePath: string, slot: Slot, position: Position,
) => string | undefined | void;

function derivation(session: EvaluationSession, attributePath: string, slot: Slot): string | undefined {
  const value = force(slot);
  if (!(value instanceof Attrs) || !isDerivation(value)) {
    throw new NixError('Error', `flake attribute '${attributePath}' is not a derivation`);
  }
  const { drvPath } = new PackageInfo(session.evaluator, attributePath, value);
  if (drvPath !== undefined) session.host.progress.message('info', `derivation evaluated to ${drvPath}`);
  return drvPath;
}

function app(session: EvaluationSession, path: string, slot: Slot, position: Position): void {
  const set = forceAttrs(slot, position, '');
  const text = (name: string) => {
    const inner = set.get(name);
    if (inner === undefined) throw new NixError('Error', `app '${path}' lacks attribute '${name}'`);
    return forceString(inner, set.positionOf(name), '');
  };
  text('type');
  text('program');
  const meta = set.get('meta');
  if (meta === undefined) {
    session.evaluator.warn(`app '${path}' lacks attribute 'meta'`);
  } else {
    const description = forceAttrs(meta, set.positionOf('meta'), '').get('description');
    if (description === undefined) session.evaluator.warn(`app '${path}' lacks attribute 'meta.description'`);
    else forceStringNoContext(description, 0, '');
  }
  expectOnly(set, ['type', 'program', 'meta'], (name) => `app '${path}' has unsupported attribute '${name}'`);
}

function overlay(_session: EvaluationSession, _path: string, slot: Slot): void {
  const value = force(slot);
  if (!(value instanceof Lambda)) throw new NixError('Error', `overlay is not a function, but ${showType(value)} instead`);
  const { formals, argument = '' } = value.info;
  if (formals !== undefined || !['final', '_', '_final'].includes(argument)) {
    throw new NixError('Error', "overlay does not take an argument named 'final'");
  }
}

function configuration(_session: EvaluationSession, _path: string, slot: Slot): void {
  const toplevel = force(selectPath('config.system.build.toplevel', Attrs.fromEntries([]), force(slot)));
  if (!(toplevel instanceof Attrs) || !isDerivation(toplevel)) {
    throw new NixError('Error', "attribute 'config.system.build.toplevel' is not a derivation");
  }
}

/** Sets of derivations, as deep as they go. */
function jobs(session: EvaluationSession, path: string, slot: Slot, position: Position): void {
  const set = forceAttrs(slot, position, '');
  if (isDerivation(set)) throw new NixError('Error', 'jobset should not be a derivation at top-level');
  for (const name of set.names()) {
    const inner = forceAttrs(set.get(name)!, set.positionOf(name), '');
    if (isDerivation(inner)) derivation(session, `${path}.${name}`, inner);
    else jobs(session, `${path}.${name}`, inner, set.positionOf(name));
  }
}

function template(session: EvaluationSession, path: string, slot: Slot, position: Position): void {
  const set = forceAttrs(slot, position, '');
  const required = (name: string) => {
    const inner = set.get(name);
    if (inner === undefined) throw new NixError('Error', `template '${path}' lacks attribute '${name}'`);
    return inner;
  };
  const folder = coerceToPath(required('path'), session.evaluator, new ContextCollector(), set.positionOf('path'), '');
  if (session.host.lstat(folder) === null) {
    throw new NixError('Error', `template '${path}' refers to a non-existent path '${folder}'`);
  }
  forceStringNoContext(required('description'), set.positionOf('description'), '');
  expectOnly(set, ['path', 'description', 'welcomeText'], (name) => `template '${path}' has unsupported attribute '${name}'`);
}

function bundler(_session: EvaluationSession, _path: string, slot: Slot): void {
  if (!isCallable(force(slot))) throw new NixError('Error', 'bundler must be a function');
}

function expectOnly(set: Attrs, known: readonly string[], message: (name: string) => string): void {
  const other = set.names().find((name) => !known.includes(name));
  if (other !== undefined) throw new NixError('Error', message(other), set.positionOf(other));
}

export const checkValues = {
  derivation, app, overlay, configuration, jobs, template, bundler,
  /** Evaluates, whatever it is. */
  module: (_session: EvaluationSession, _path: string, slot: Slot): void => { force(slot); },
  nothing: (): void => {},
} satisfies Readonly<Record<string, CheckValue>>;
