/** Opening the flake that a command names: found, locked, its lock file written, its attribute selected. */

import { NixError } from '#diagnostics';
import { parseInputPath, type LockedFlake, type LockOptions } from '#eval';
import {
  Attrs, bestMatches, call, force, inputSettings, parseReference, parseReferenceWithFragment,
  printReference, resolvePath, type ReferenceOptions, type Slot, type Value,
} from '#runtime';
import { parseAttributePath } from '../tasks/attribute-path.ts';
import type { EvaluationSession } from '../worker/session.ts';
import type { FlakeAttributes, FlakeLockFlags, FlakeSource } from './flake-source.ts';
import { applyConfig } from './flake-config.ts';
import { lockWriter } from './lock-writer.ts';

export interface OpenedFlake {
  readonly locked: LockedFlake;
  /** What stood behind `#`. */
  readonly fragment: string;
}

/** Finds and locks the flake that a text names, relative to the working directory. */
export function openFlake(
  session: EvaluationSession, text: string, flags: FlakeLockFlags, { appliesConfig = false } = {},
): OpenedFlake {
  const { evaluator, workingDirectory, host } = session;
  const settings = inputSettings(evaluator);
  settings.requireFeature('flakes');
  const options: ReferenceOptions = { baseDirectory: workingDirectory, files: host };
  const { reference, fragment } = parseReferenceWithFragment(text, settings, options);
  const overrides = (flags.overrides ?? []).map((one) => ({
    path: parseInputPath(one.path), reference: parseReference(one.reference, settings, { ...options, allowMissing: true }),
  }));
  if (flags.referenceFile !== undefined && !session.nixSettings.flag('allow-dirty', true)) {
    throw new NixError('Error', 'reference lock file was provided, but the `allow-dirty` setting is set to false');
  }
  const lock: LockOptions = {
    recreate: flags.recreate ?? false,
    updates: (flags.updates ?? []).map(parseInputPath),
    overrides,
    ...(flags.useRegistries === undefined ? {} : { useRegistries: flags.useRegistries }),
    ...(flags.referenceFile === undefined ? {} : { referenceFile: resolvePath(workingDirectory, flags.referenceFile) }),
  };
  const locked = evaluator.flakes.lock(reference, lock, {
    mayUpdate: flags.mayUpdate ?? true,
    mayWrite: flags.mayWrite ?? true,
    failOnUnlocked: flags.failOnUnlocked ?? false,
    always: flags.outputFile !== undefined,
    write: lockWriter(session, flags),
    ...(appliesConfig ? { onRead: (flake) => applyConfig(session, flake) } : {}),
  });
  return { locked, fragment };
}

/** A value of a flake's, and where it was found. */
export interface FoundOutput {
  readonly slot: Slot;
  readonly attributePath: string;
}

/** The value that a source means. */
export function evaluateFlakeSource(session: EvaluationSession, source: FlakeSource): Value {
  const { slot } = findFlakeOutput(session, source);
  if (source.apply === undefined) return force(slot);
  return call(session.evaluator.evaluateString(source.apply, session.workingDirectory), slot);
}

/** The first of the usual places that has what a source means. */
export function findFlakeOutput(session: EvaluationSession, source: FlakeSource): FoundOutput {
  return findFlakeOutputs(session, source)[0]!;
}

/** All of the usual places that have it; there is at least one. */
export function findFlakeOutputs(session: EvaluationSession, source: FlakeSource): FoundOutput[] {
  const { locked, fragment } = openFlake(session, source.reference, source.lock, { appliesConfig: true });
  const outputs = outputsOf(session, locked);
  return selectOutputs(outputs, fragment, source.attributes, printReference(locked.flake.original));
}

/** The set of a flake's outputs. */
export function outputsOf(session: EvaluationSession, locked: LockedFlake): Attrs {
  const flake = session.evaluator.flakes.call(locked);
  const outputs = flake instanceof Attrs ? force(flake.get('outputs') ?? null) : null;
  if (!(outputs instanceof Attrs)) throw new NixError('TypeError', "a flake's outputs are not a set");
  return outputs;
}

/** The first of the usual places that has what is wanted. */
export function selectOutput(
  outputs: Attrs, fragment: string, attributes: FlakeAttributes, shown: string,
): FoundOutput {
  return selectOutputs(outputs, fragment, attributes, shown)[0]!;
}

function selectOutputs(
  outputs: Attrs, fragment: string, attributes: FlakeAttributes, shown: string,
): FoundOutput[] {
  const paths = attributePaths(fragment, attributes);
  const suggestions = new Set<string>();
  const found: FoundOutput[] = [];
  for (const attributePath of paths) {
    const slot = find(outputs, attributePath, suggestions);
    if (slot !== undefined) found.push({ slot, attributePath });
    if (found.length > 0 && attributes.all !== true) break;
  }
  if (found.length > 0) return found;
  throw new NixError('Error', `flake '${shown}' does not provide attribute ${alternatives(paths)}`, 0, {
    suggestions: [...suggestions],
  });
}

/** A leading dot says that the path is complete. */
function attributePaths(fragment: string, { prefixes, defaults }: FlakeAttributes): readonly string[] {
  if (fragment === '') return defaults;
  return fragment.startsWith('.') ? [fragment.slice(1)] : [...prefixes.map((prefix) => prefix + fragment), fragment];
}

function find(root: Attrs, path: string, suggestions: Set<string>): Slot | undefined {
  let slot: Slot = root;
  for (const part of parseAttributePath(path)) {
    const value: Value = force(slot);
    if (!(value instanceof Attrs)) return undefined;
    const inner = value.get(part);
    if (inner === undefined) {
      for (const name of bestMatches(value.names(), part)) suggestions.add(name);
      return undefined;
    }
    slot = inner;
  }
  return slot;
}

function alternatives(paths: readonly string[]): string {
  const quoted = paths.map((path) => `'${path}'`);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`;
}
