/** Errors that travel between threads: what is thrown on one side is thrown again on the other. */

import { UserError, type UserErrorOptions } from '#base';
import { NixError } from '#diagnostics';
import type { Failure } from './protocol.ts';

/** The user's Nix code is at fault; rendered where the sources are. */
export class EvaluationError extends Error {
  /** The complete text for the user. */
  readonly rendered: string;
  readonly exitStatus: number;
  /** `ThrownError`, `TypeError`, … */
  readonly errorKind: string;

  constructor(failure: Extract<Failure, { kind: 'nix' }>) {
    super(failure.message);
    this.name = 'EvaluationError';
    this.rendered = failure.rendered;
    this.exitStatus = failure.exitStatus;
    this.errorKind = failure.name;
  }
}

/** The world is at fault, and it is known where the program met it. */
class PlacedError extends UserError {
  /** The message with its frames; causes and hint come after it. */
  readonly rendered: string;

  constructor(failure: Extract<Failure, { kind: 'user' }>, rendered: string, options: UserErrorOptions) {
    super(failure.code, failure.message, options);
    this.rendered = rendered;
  }
}

export function packFailure(error: unknown, render: (error: NixError) => string): Failure {
  if (error instanceof NixError && error.world !== undefined) {
    return { ...packWorld(error.world), rendered: render(error) };
  }
  if (error instanceof NixError) {
    return {
      kind: 'nix', name: error.kind, message: error.message, rendered: render(error), exitStatus: error.exitStatus,
    };
  }
  if (error instanceof UserError) return packWorld(error);
  const known = error instanceof Error ? error : new Error(String(error));
  return { kind: 'internal', message: known.message, stack: known.stack ?? known.message };
}

export function unpackFailure(failure: Failure): Error {
  switch (failure.kind) {
    case 'nix': return new EvaluationError(failure);
    case 'user': {
      const cause = failure.causes.reduceRight<Error | undefined>(
        (inner, message) => new Error(message, inner === undefined ? undefined : { cause: inner }), undefined);
      const options = {
        ...(failure.hint === undefined ? {} : { hint: failure.hint }),
        ...(cause === undefined ? {} : { cause }),
      };
      return failure.rendered === undefined ? new UserError(failure.code, failure.message, options)
        : new PlacedError(failure, failure.rendered, options);
    }
    case 'internal': {
      const error = new Error(failure.message);
      error.stack = failure.stack;
      return error;
    }
  }
}

function packWorld({ code, message, hint, cause }: UserError): Extract<Failure, { kind: 'user' }> {
  return { kind: 'user', code, message, hint, causes: causesOf(cause), rendered: undefined };
}

function causesOf(cause: unknown): string[] {
  const messages: string[] = [];
  for (let one = cause; one instanceof Error; one = one.cause) messages.push(one.message);
  return messages;
}
