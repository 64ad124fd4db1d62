/** Errors that travel between threads: what is thrown on one side is thrown again on the other. */

import { UserError } from '#base';
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

export function packFailure(error: unknown, render: (error: NixError) => string): Failure {
  if (error instanceof NixError) {
    return {
      kind: 'nix', name: error.kind, message: error.message, rendered: render(error), exitStatus: error.exitStatus,
    };
  }
  if (error instanceof UserError) {
    return { kind: 'user', code: error.code, message: error.message, hint: error.hint, causes: causesOf(error.cause) };
  }
  const known = error instanceof Error ? error : new Error(String(error));
  return { kind: 'internal', message: known.message, stack: known.stack ?? known.message };
}

export function unpackFailure(failure: Failure): Error {
  switch (failure.kind) {
    case 'nix': return new EvaluationError(failure);
    case 'user': {
      const cause = failure.causes.reduceRight<Error | undefined>(
        (inner, message) => new Error(message, inner === undefined ? undefined : { cause: inner }), undefined);
      return new UserError(failure.code, failure.message, {
        ...(failure.hint === undefined ? {} : { hint: failure.hint }),
        ...(cause === undefined ? {} : { cause }),
      });
    }
    case 'internal': {
      const error = new Error(failure.message);
      error.stack = failure.stack;
      return error;
    }
  }
}

function causesOf(cause: unknown): string[] {
  const messages: string[] = [];
  for (let one = cause; one instanceof Error; one = one.cause) messages.push(one.message);
  return messages;
}
