/**
 * The task that finds out what `nix-prefetch-url` is to fetch: the URL of an attribute that looks
 * like a call of nixpkgs' fetchurl, and what `mirror://NAME/…` stands for in nixpkgs.
 */

import { NixError } from '#diagnostics';
import { Attrs, force, forceAttrs, forceList, forceString } from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import { evaluateSource, makeAutoArguments, type AutoArgument, type ExpressionSource } from './expression-source.ts';

export type PrefetchQuestion =
  | { readonly url: string }
  | {
    readonly source: ExpressionSource;
    readonly attributePath: string;
    readonly autoArguments: readonly AutoArgument[];
  };

/** Byte strings. */
export interface PrefetchSource {
  readonly url: string;
  /** Undefined if nothing was said. */
  readonly unpack: boolean | undefined;
  readonly name: string | undefined;
}

export function run(session: EvaluationSession, input: unknown): PrefetchSource {
  const question = input as PrefetchQuestion;
  if ('url' in question) return { url: resolveMirror(session, question.url), unpack: undefined, name: undefined };
  const args = makeAutoArguments(session, question.autoArguments);
  const root = evaluateSource(session, question.source);
  const set = forceAttrs(
    selectPath(question.attributePath, args, root), 0, 'while evaluating the source attribute to prefetch');
  const urls = set.get('urls');
  if (urls === undefined) throw new NixError('Error', "attribute 'urls' missing");
  const [first] = forceList(urls, 0, 'while evaluating the urls to prefetch');
  if (first === undefined) throw new NixError('Error', "'urls' list is empty");
  const url = forceString(first, 0, 'while evaluating the first url from the urls list');
  const mode = textOf(set, 'outputHashMode', 'while evaluating the outputHashMode of the source to prefetch');
  if (mode === undefined) session.host.progress.message('warning', 'this does not look like a fetchurl call');
  return {
    url: resolveMirror(session, url),
    unpack: mode === 'recursive',
    name: textOf(set, 'name', 'while evaluating the name of the source to prefetch'),
  };
}

function textOf(set: Attrs, name: string, trace: string): string | undefined {
  const slot = set.get(name);
  return slot === undefined ? undefined : forceString(slot, 0, trace);
}

/** The first of a mirror's addresses, as nixpkgs lists them. */
function resolveMirror(session: EvaluationSession, url: string): string {
  const match = /^mirror:\/\/([^/]*)(\/?)(.*)$/s.exec(url);
  if (match === null) return url;
  const [, name = '', slash, rest = ''] = match;
  if (slash === '') throw new NixError('Error', `invalid mirror URL '${url}'`);
  const mirrors = forceAttrs(
    session.evaluator.evaluateString('import <nixpkgs/pkgs/build-support/fetchurl/mirrors.nix>', '/'), 0,
    'while evaluating the set of all mirrors');
  const list = mirrors.get(name);
  if (list === undefined) throw new NixError('Error', `unknown mirror name '${name}'`);
  const [first] = forceList(list, 0, 'while evaluating one mirror configuration');
  if (first === undefined) throw new NixError('Error', `mirror URL '${url}' did not expand to anything`);
  return forceString(force(first), 0, 'while evaluating the first available mirror').replace(/\/?$/, '/') + rest;
}
