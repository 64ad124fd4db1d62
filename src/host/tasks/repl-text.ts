/**
 * Understanding what was typed: bindings, an expression, or the start of either.
 *
 * As in C++ Nix, bindings are tried first, then bindings that lack their last semicolon, then an
 * expression. Text that ends too early asks for more. Unlike there, so does the start of a binding.
 */

import { registerSource, type NixError } from '#diagnostics';
import { parse, parseReplBindings, type ParseOptions } from '#lang';
import type { EvaluationSession } from '../worker/session.ts';

export type ReplText =
  | { readonly kind: 'bindings'; readonly text: string }
  | { readonly kind: 'expression'; readonly text: string }
  | { readonly kind: 'incomplete'; readonly error: NixError }
  | { readonly kind: 'wrong'; readonly error: NixError };

export function readReplText(session: EvaluationSession, text: string): ReplText {
  const plain = bindingsError(session, text);
  if (plain === undefined) return { kind: 'bindings', text };
  const closed = bindingsError(session, `${text};`);
  if (closed === undefined) return { kind: 'bindings', text };
  if (endsTooEarly(closed)) return { kind: 'incomplete', error: closed };
  const expression = readExpression(session, text);
  // `x =` and `x = {`: no expression, but what may become a binding.
  const begun = /^\s*([a-zA-Z_"$]|inherit\b)/.test(text) && text.includes('=');
  if (expression.kind === 'wrong' && begun && endsTooEarly(plain)) return { kind: 'incomplete', error: expression.error };
  return expression;
}

export function readExpression(session: EvaluationSession, text: string): ReplText {
  const [error] = parse(text, parseOptions(session, text)).diagnostics;
  if (error === undefined) return { kind: 'expression', text };
  return { kind: endsTooEarly(error) ? 'incomplete' : 'wrong', error };
}

function bindingsError(session: EvaluationSession, text: string): NixError | undefined {
  return parseReplBindings(text, parseOptions(session, text)).diagnostics[0];
}

function endsTooEarly(error: NixError): boolean {
  return error.message.includes('unexpected end of file');
}

function parseOptions(session: EvaluationSession, text: string): ParseOptions {
  const { settings, workingDirectory } = session;
  return {
    base: registerSource({ kind: 'string' }, text),
    directory: workingDirectory,
    home: settings.pureEval ? undefined : settings.homeDirectory,
    pipes: settings.features.has('pipe-operators'),
  };
}
