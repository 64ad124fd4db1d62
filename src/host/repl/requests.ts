/**
 * What a REPL asks of its evaluator, and what it hears. All texts are byte strings.
 *
 * What a request prints goes the way of all output; an answer says how it ended and what the asker
 * must know.
 */

import type { AutoArgument, ExpressionSource } from '../tasks/expression-source.ts';
import type { Failure } from '../worker/protocol.ts';

export type ReplRequest =
  /** Bindings are added to the scope, an expression's value is printed to its first level. */
  | ReplText<'evaluate'>
  /** Prints the whole value, a string as it is. */
  | ReplText<'print'>
  | ReplText<'type'>
  /** Prints what is known of a builtin. */
  | ReplText<'document'>
  /** Adds a set's attributes to the scope. */
  | ReplText<'add'>
  /** Writes a derivation to the store. Result: its path. */
  | ReplText<'derivation'>
  /** Adds the attributes of a file's set to the scope. */
  | { readonly kind: 'load'; readonly path: string }
  /** Adds a flake's outputs to the scope, and what else is known of it. */
  | { readonly kind: 'loadFlake'; readonly reference: string }
  /** Adds the attributes of the sets that operands of the command line mean; fails if one means nothing. */
  | { readonly kind: 'loadInstallables'; readonly installables: readonly ReplInstallable[] }
  /** Result: an `EditPlace`, where a value stands in a file. */
  | ReplText<'place'>
  /** Turns traces of errors on, off, or round. Result: whether they are on. */
  | { readonly kind: 'trace'; readonly on: boolean | undefined }
  /** Prints the names that were added last. */
  | { readonly kind: 'lastLoaded' }
  /** In the debugger: shows the steps, or the variables at the chosen one; chooses one. */
  | { readonly kind: 'backtrace' | 'environment' }
  | { readonly kind: 'chooseStep'; readonly index: number | undefined }
  /** In the debugger: goes on, or ends the evaluation. */
  | { readonly kind: 'resume'; readonly how: 'continue' | 'step' | 'quit' }
  /** Result: the lines that a line may be completed to. */
  | { readonly kind: 'complete'; readonly text: string };

interface ReplText<Kind extends string> {
  readonly kind: Kind;
  readonly text: string;
  /** Nothing can follow: an unfinished text is an error then. */
  readonly final?: boolean;
}

/** A flake's attribute, or one of a file or an expression. */
export interface ReplInstallable {
  /** As it was typed. */
  readonly shown: string;
  readonly source: ExpressionSource;
  /** Of a flake it is part of the source. */
  readonly attributePath: string;
}

/** A file, a byte string, and the line; 0 for none. */
export interface EditPlace {
  readonly path: string;
  readonly line: number;
  /** Of a file that only the evaluator has. */
  readonly text?: string;
}

export type ReplAnswer =
  /** The debugger's first word: evaluation has stopped. */
  | { readonly kind: 'stopped' }
  /** `changed`: the scope or a switch is another than before. */
  | { readonly kind: 'done'; readonly changed: boolean; readonly result: unknown }
  /** The text is the start of a longer one. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** What the debugger says; its output does not mix with what the evaluation itself prints. */
export interface DebuggerAnswer {
  readonly answer: ReplAnswer;
  /** For standard output; a byte string. */
  readonly printed: string;
}

/** What the REPL's task is started with. */
export interface ReplInput {
  readonly autoArguments: readonly AutoArgument[];
  /** Whether values are printed in colours. */
  readonly colorOutput: boolean;
  /** Whether documentation is printed as its source. */
  readonly rawMarkdown: boolean;
  /** Whether errors are rendered in colours. */
  readonly colorErrors: boolean;
  /** What made the scope that is to be had again, in order. */
  readonly journal: readonly ReplRequest[];
}
