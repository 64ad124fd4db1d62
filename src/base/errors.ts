/**
 * The two errors that are not the user's Nix code: the world's fault and our own.
 *
 * `UserError` is for what the world does to us (network, disk, permission, malformed file): it
 * carries a stable code, names the path or URL, and says the remedy. `assert` and `unreachable` are
 * for our own mistakes. Only `cli` and `web` render either.
 */

export interface UserErrorOptions {
  /** What the user can do about it, one sentence, no full stop. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The world is at fault. `code` is stable and in capitals: `HASH_MISMATCH`. */
export class UserError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** We are at fault: an invariant of Firn's own does not hold. */
export class InternalError extends Error {
  constructor(message: string) {
    super(`${message} (this is a defect of Firn; please report it)`);
    this.name = 'InternalError';
  }
}

/** Throws `InternalError` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}

/** Marks a place that the types say is never reached. */
export function unreachable(value: never): never {
  throw new InternalError(`unexpected value: ${String(value)}`);
}
