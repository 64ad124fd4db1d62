/**
 * What a command gets from the process: nothing below `cli` touches argv, the environment, the
 * standard streams or exit statuses by itself.
 */

import type { FlakeAttributes } from '#host';
import type { Flag } from './nix/flags.ts';
import type { TerminalOutput } from './progress/output.ts';

export interface CommandContext {
  /** The name the program was called by: `firn`, `nix-build`, … */
  readonly programName: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string | Uint8Array): unknown; readonly isTTY?: boolean };
  readonly stderr: TerminalOutput;
  /** Aborted at the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** From now on Ctrl-C is the handler's, and `signal` is left alone by it. */
  takeInterrupts(handler: () => void): void;
  /** How an error that ends the command is written; a command may change it. */
  readonly report: { asJson: boolean };
  /** Whether standard error shows colours (a terminal, and NO_COLOR unset). */
  readonly color: boolean;
}

/** A command's module: `run` returns the exit status, and throws what `reportError` renders. */
export interface CommandModule {
  run(argv: readonly string[], context: CommandContext): Promise<number>;
  /** For shells that complete command lines. */
  readonly usage?: CommandUsage | undefined;
}

/** What may stand on a command's line. */
export interface CommandUsage {
  readonly flags: readonly Flag[];
  /** Its operands as the help text calls them. */
  readonly operands: string;
  /** Where a flake has what the operands mean, if not where packages are. */
  readonly attributes?: ((system: string) => FlakeAttributes) | undefined;
}
