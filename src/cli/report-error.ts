/**
 * Renders whatever a command threw: the user's Nix code, the world, or ourselves; and says the exit
 * status. The only place where errors become text for people.
 */

import { InternalError, UserError } from '#base';
import type { CommandContext } from './context.ts';
import { jsonError } from './progress/json-progress.ts';

const bold = (text: string) => `\x1b[1m${text}\x1b[22m`;
const red = (text: string) => `\x1b[31;1m${text}\x1b[39;22m`;

/** Writes the error to standard error and returns the exit status. */
export function reportError(error: unknown, context: CommandContext): number {
  if (!context.report.asJson) return renderError(error, context);
  let text = '';
  const status = renderError(error, { color: context.color, stderr: { write: (piece) => { text += piece; } } });
  context.stderr.write(jsonError(text.trimEnd(), error instanceof Error ? error.message : String(error)));
  return status;
}

function renderError(error: unknown, { stderr, color }: Pick<CommandContext, 'stderr' | 'color'>): number {
  const label = color ? red('error:') : 'error:';

  if (!(error instanceof UserError) && isRendered(error)) {
    // An evaluation error comes with its rendering, made where the sources are.
    stderr.write(`${error.rendered}\n`);
    return error.exitStatus ?? 1;
  }
  if (error instanceof UserError) {
    // Met in an evaluation, it comes with its frames.
    stderr.write(isRendered(error) ? `${error.rendered}\n` : `${label} ${error.message}\n`);
    for (const line of causes(error.cause)) {
      // What the message tells already is not told twice.
      if (!error.message.includes(line)) stderr.write(`  because: ${line}\n`);
    }
    if (error.hint !== undefined) {
      stderr.write(`  ${color ? bold('hint:') : 'hint:'} ${error.hint}\n`);
    }
    return (error as { readonly exitStatus?: number }).exitStatus ?? 1;
  }
  if (isFullDisk(error)) {
    stderr.write(`${label} No space left on the device: ${(error as Error).message}\n`);
    stderr.write('  hint: free some space and run it again; what was finished is kept\n');
    return 1;
  }
  const defect = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const note = error instanceof InternalError ? '' : ' (this is a defect of Firn; please report it)';
  stderr.write(`${label} ${defect}${note}\n`);
  return 70;
}

interface RenderedError extends Error {
  readonly rendered: string;
  readonly exitStatus?: number;
}

function isRendered(error: unknown): error is RenderedError {
  return error instanceof Error && typeof (error as Partial<RenderedError>).rendered === 'string';
}

/** The chain of causes, one line each, without repeating what the message already says. */
function causes(cause: unknown): string[] {
  const lines: string[] = [];
  for (let one = cause; one instanceof Error && lines.length < 4; one = one.cause) {
    lines.push(one.message.split('\n', 1)[0] ?? '');
  }
  return lines;
}

function isFullDisk(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
