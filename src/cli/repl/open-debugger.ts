/** The debugger that `--debugger` asks for; what it needs is loaded when evaluation stops. */

import type { DebuggerDisplay } from '#host';
import type { CommandContext } from '../context.ts';
import type { ParsedFlags } from '../nix/flags.ts';
import type { DebuggerFront } from './debugger-front.ts';

export interface OpenDebugger {
  readonly debugger: DebuggerDisplay;
  /** Takes an answer of the evaluator's thread, and gives what is asked next. */
  converse(answer: unknown): Promise<unknown>;
  close(): void;
}

/** Undefined where none is wanted. */
export function openDebugger(flags: ParsedFlags, context: CommandContext): OpenDebugger | undefined {
  if (!flags.has('--debugger')) return undefined;
  let front: DebuggerFront | undefined;
  return {
    debugger: {
      colorOutput: context.stdout.isTTY === true && (context.env['NO_COLOR'] ?? '') === '',
      rawMarkdown: context.env['_NIX_TEST_RAW_MARKDOWN'] === '1',
    },
    async converse(answer) {
      front ??= new (await import('./debugger-front.ts')).DebuggerFront(flags, context);
      return front.converse(answer);
    },
    close: () => front?.close(),
  };
}
