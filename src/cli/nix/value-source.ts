/** The one value that a command's operand means: an attribute of a flake, of a file or of an expression. */

import { encodeUtf8 } from '#base';
import type { AutoArgument, ExpressionSource, FlakeAttributes } from '#host';
import type { CommandSession } from './command.ts';
import { autoArguments } from './evaluation.ts';
import { flakeSource } from './flake-flags.ts';
import { expressionSource } from './installables.ts';

export interface ValueSource {
  readonly source: ExpressionSource;
  readonly autoArguments: readonly AutoArgument[];
  /** A byte string; of a flake's source, part of the reference. */
  readonly attributePath: string;
}

/** `attributes` say where a flake has such values. */
export function valueSource(session: CommandSession, operand: string, attributes?: FlakeAttributes): ValueSource {
  const { flags, context } = session;
  const source = expressionSource(session);
  if (source === undefined) {
    return { source: flakeSource(operand, flags, context, attributes), autoArguments: [], attributePath: '' };
  }
  return {
    source, autoArguments: autoArguments(flags, context), attributePath: encodeUtf8(operand === '.' ? '' : operand),
  };
}

/** A flake or an expression is evaluated purely unless `--impure` is given, a file is not. */
export function purityOf(session: CommandSession, { source }: ValueSource): (readonly [string, string])[] {
  return source.kind !== 'file' && !session.flags.has('--impure') ? [['pure-eval', 'true']] : [];
}
