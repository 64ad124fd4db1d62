/**
 * The task behind `nix flake prefetch`, `clone`, `init` and `new`: what a reference stands for, its
 * source, or a template of it.
 */

import { decodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import type { StorePath } from '#formats';
import {
  Attrs, coerceToPath, coerceToString, ContextCollector, countedInput, fetchInput, forceAttrs, inputSettings, isDirect,
  parseReferenceWithFragment, resolveInput, textAttribute, withAttributes, type FlakeReference, type Slot,
} from '#runtime';
import { unexpectedFragment } from '../errors.ts';
import type { FlakeSource } from '../flakes/flake-source.ts';
import { attributesOf, type Attributes } from '../flakes/metadata.ts';
import { evaluateFlakeSource } from '../flakes/open-flake.ts';
import type { EvaluationSession } from '../worker/session.ts';

export type FlakeSourceInput =
  /** What a reference stands for in the registries; a byte string. */
  | { readonly kind: 'resolve'; readonly reference: string }
  /** The same, fetched. */
  | { readonly kind: 'fetch'; readonly reference: string }
  | { readonly kind: 'template'; readonly source: FlakeSource };

/** Ordinary strings. */
export interface FlakeSourceResult {
  readonly resolved?: Attributes;
  readonly locked?: Attributes;
  readonly storePath?: StorePath;
  readonly template?: { readonly folder: string; readonly welcomeText: string | undefined };
}

export function run(session: EvaluationSession, given: unknown): FlakeSourceResult {
  const { evaluator } = session;
  const asked = given as FlakeSourceInput;
  inputSettings(evaluator).requireFeature('flakes');
  if (asked.kind === 'template') return { template: readTemplate(session, asked.source) };
  const resolved = resolve(session, asked.reference);
  if (asked.kind === 'resolve') return { resolved: attributesOf(resolved) };
  const { storePath, attributes } = fetchInput(evaluator, resolved.input);
  const input = withAttributes(countedInput(evaluator, attributes), { __final: undefined });
  const locked = { input, directory: resolved.directory };
  session.host.flush();
  return { resolved: attributesOf(resolved), locked: attributesOf(locked), storePath: storePath as StorePath };
}

function resolve({ evaluator, workingDirectory, host }: EvaluationSession, text: string): FlakeReference {
  const { reference, fragment } = parseReferenceWithFragment(
    text, inputSettings(evaluator), { baseDirectory: workingDirectory, files: host });
  if (fragment !== '') throw unexpectedFragment(decodeUtf8(fragment), decodeUtf8(text));
  if (isDirect(reference.input)) return reference;
  const found = resolveInput(evaluator, reference.input, 'all');
  return { input: withAttributes(found, { dir: undefined }), directory: textAttribute(found, 'dir') ?? reference.directory };
}

function readTemplate(session: EvaluationSession, source: FlakeSource): NonNullable<FlakeSourceResult['template']> {
  const { evaluator } = session;
  const template = forceAttrs(evaluateFlakeSource(session, source), 0, 'while evaluating a template');
  const path = coerceToPath(requiredPath(template), evaluator, new ContextCollector(), template.positionOf('path'), '');
  const welcome = template.get('welcomeText');
  session.host.flush();
  return {
    folder: path,
    welcomeText: welcome === undefined ? undefined
      : decodeUtf8(coerceToString(welcome, evaluator, new ContextCollector(), template.positionOf('welcomeText'), '')),
  };
}

function requiredPath(template: Attrs): Slot {
  const path = template.get('path');
  if (path === undefined) throw new NixError('Error', "attribute 'path' missing in the template");
  return path;
}
