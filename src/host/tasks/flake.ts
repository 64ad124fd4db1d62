/** The task behind `nix flake …`: locks a flake, and tells what is known of it or what is in it. */

import { decodeUtf8 } from '#base';
import { printReference } from '#runtime';
import { archiveFlake, fetchInputs, type ArchivedFlake } from '../flakes/archive.ts';
import { checkOutputs, type CheckedFlake, type CheckOptions } from '../flakes/check/check-outputs.ts';
import { inputNames } from '../flakes/input-names.ts';
import type { FlakeLockFlags } from '../flakes/flake-source.ts';
import { flakeReport, type FlakeReport } from '../flakes/metadata.ts';
import { openFlake, outputsOf } from '../flakes/open-flake.ts';
import type { RegistryEntry } from '../flakes/registry-file.ts';
import { showOutputs, type ShownJson } from '../flakes/show.ts';
import { unexpectedFragment } from '../errors.ts';
import type { EvaluationSession } from '../worker/session.ts';

export interface FlakeTaskInput {
  /** A byte string. */
  readonly reference: string;
  readonly lock: FlakeLockFlags;
  readonly action:
    | { readonly kind: 'lock' }
    | { readonly kind: 'metadata' }
    /** The inputs as what their names stand for: `--inputs-from`. */
    | { readonly kind: 'inputs' }
    | { readonly kind: 'check'; readonly build: boolean; readonly options: CheckOptions }
    /** Puts the sources of the flake and of all inputs into the store, or says where they would be. */
    | { readonly kind: 'archive'; readonly dryRun: boolean }
    /** As `archive`; what cannot be had is reported, and the rest is fetched. */
    | { readonly kind: 'prefetchInputs' }
    | { readonly kind: 'show'; readonly system: string | undefined; readonly legacy: boolean };
}

/** Ordinary strings. */
export interface FlakeTaskResult {
  readonly report?: FlakeReport;
  readonly inputs?: readonly RegistryEntry[];
  readonly checked?: CheckedFlake;
  readonly archived?: ArchivedFlake;
  /** How many inputs could not be fetched. */
  readonly failed?: number;
  readonly shown?: { readonly lines: readonly string[]; readonly json: unknown };
}

export function run(session: EvaluationSession, input: unknown): FlakeTaskResult {
  const { reference, lock, action } = input as FlakeTaskInput;
  const { locked, fragment } = openFlake(session, reference, lock, {
    appliesConfig: action.kind === 'lock' || action.kind === 'check',
  });
  if (fragment !== '') throw unexpectedFragment(decodeUtf8(fragment), decodeUtf8(reference));
  switch (action.kind) {
    case 'lock': return {};
    case 'inputs': return { inputs: inputNames(locked) };
    case 'check': {
      const checked = checkOutputs(session, outputsOf(session, locked), action.options);
      if (action.build) session.host.flush();
      return { checked };
    }
    case 'archive': return { archived: archiveFlake(session.evaluator, locked, action.dryRun) };
    case 'prefetchInputs': return { failed: fetchInputs(session, locked) };
    case 'metadata': return { report: flakeReport(session.evaluator, locked) };
    case 'show': {
      const title = printReference({ ...locked.flake.locked });
      const { lines, json } = showOutputs(session, outputsOf(session, locked), title, action);
      return { shown: { lines: lines.map(decodeUtf8), json: decoded(json) } };
    }
  }
}

function decoded(json: ShownJson | string): unknown {
  if (typeof json === 'string') return decodeUtf8(json);
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [decodeUtf8(name), decoded(value)]));
}
