/** What an evaluation started by a nix-* command may ask for while it waits. */

import type { EvaluationServices } from '#host';
import type { CommandContext } from '../context.ts';
import type { ParsedFlags } from './flags.ts';

/** Loaded when first asked: most evaluations ask for nothing. */
export function evaluationServices(flags: ParsedFlags, context: CommandContext): EvaluationServices {
  void flags;
  void context;
  return {};
}
