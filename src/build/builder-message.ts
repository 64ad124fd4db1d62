/**
 * What builders say to Nix rather than to people: lines of `@nix ` and a JSON object, on the
 * descriptor that NIX_LOG_FD names. stdenv tells its phases so.
 *
 * Such a line belongs in the log file only. Whatever a builder writes there, the build goes on.
 */

export type BuilderMessage =
  | { readonly kind: 'phase'; readonly phase: string }
  /** `level` counts as C++ Nix's verbosity does: 3 is what is usually shown. */
  | { readonly kind: 'message'; readonly level: number; readonly text: string }
  /** Known to C++ Nix, or to a newer one, and of no use here. */
  | { readonly kind: 'other' }
  /** `warning` says what is wrong with it. */
  | { readonly kind: 'malformed'; readonly warning: string };

/** The message that a line is; undefined if it is a line for people. */
export function parseBuilderMessage(line: string): BuilderMessage | undefined {
  if (!line.startsWith('@nix ')) return undefined;
  let message: unknown;
  try {
    message = JSON.parse(line.slice('@nix '.length));
  } catch (error) {
    return { kind: 'malformed', warning: `bad JSON log message from the derivation builder: ${(error as Error).message}` };
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return unusable('it is no object');
  const { action, phase, level, msg } = message as Record<string, unknown>;
  if (typeof action !== 'string') return unusable("its 'action' is no string");
  if (action === 'setPhase') return typeof phase === 'string' ? { kind: 'phase', phase } : unusable("its 'phase' is no string");
  if (action !== 'msg') return { kind: 'other' };
  if (typeof msg !== 'string') return unusable("its 'msg' is no string");
  return typeof level === 'number' ? { kind: 'message', level, text: msg } : unusable("its 'level' is no number");
}

function unusable(reason: string): BuilderMessage {
  return { kind: 'malformed', warning: `Unable to handle a JSON message from the derivation builder: ${reason}` };
}
