/**
 * Samples which calls are under way, for flame graphs: each line of the profile is a stack of
 * calls, outermost first, and how often it was seen.
 *
 * Samples are taken when a call begins, if the last one is long enough ago: an evaluation has no
 * clock that could interrupt it.
 */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '#base';
import { showPosition, type Position } from '#diagnostics';
import {
  Attrs, depthNow, force, Lambda, PrimOp, PrimOpApp, restoreDepth, type CallObserver, type Slot, type Value,
} from '#runtime';
import { profileNotWritten } from '../errors.ts';
import type { NixSettings } from '../settings.ts';

export class CallProfiler implements CallObserver {
  readonly #file: string;
  /** Nanoseconds between samples. */
  readonly #interval: bigint;
  readonly #stack: string[] = [];
  readonly #counts = new Map<string, number>();
  #lastSample = process.hrtime.bigint();

  constructor(settings: NixSettings, workingDirectory: string) {
    this.#file = resolve(decodeUtf8(workingDirectory), settings.text('eval-profile-file') ?? 'nix.profile');
    const frequency = settings.number('eval-profiler-frequency', 99);
    this.#interval = frequency === 0 ? 0n : 1_000_000_000n / BigInt(frequency);
    this.#write();
  }

  entered(f: Value, args: readonly Slot[], position: Position): void {
    this.#stack.push(nameOfCall(f, args, position));
    const now = process.hrtime.bigint();
    if (now - this.#lastSample <= this.#interval) return;
    const stack = this.#stack.join(';');
    this.#counts.set(stack, (this.#counts.get(stack) ?? 0) + 1);
    this.#lastSample = now;
  }

  exited(): void {
    this.#stack.pop();
  }

  close(): void {
    this.#write();
  }

  #write(): void {
    const text = [...this.#counts].map(([stack, count]) => `${stack} ${count}\n`).join('');
    try {
      writeFileSync(this.#file, encodeUtf8(decodeUtf8(text)), 'latin1');
    } catch (cause) {
      throw profileNotWritten(this.#file, cause);
    }
  }
}

/** What is called and where; the place of a lambda itself if the call has none. */
function nameOfCall(f: Value, args: readonly Slot[], position: Position): string {
  const place = position === 0 ? '' : showPosition(position);
  if (f instanceof Lambda) {
    const { name, position: own } = f.info;
    // The call of a functor below says so already.
    const shown = name === undefined || name === '__functor' ? '' : `:${name}`;
    return `${place || showPosition(own)}${shown}`;
  }
  if (f instanceof PrimOp || f instanceof PrimOpApp) {
    const { name } = f instanceof PrimOp ? f : f.primOp;
    const derivation = f instanceof PrimOp && name === 'derivationStrict' ? nameOfDerivation(args[0]) : '';
    return `${place === '' ? '' : `${place}:`}primop ${name}${derivation}`;
  }
  return f instanceof Attrs && f.has('__functor') ? `${place}:functor` : place;
}

/** After a colon, if it can be told; what is wrong with it is the evaluation's to say. */
function nameOfDerivation(attributes: Slot | undefined): string {
  const depth = depthNow();
  try {
    const set = attributes === undefined ? undefined : force(attributes);
    const name = set instanceof Attrs ? set.get('name') : undefined;
    const text = name === undefined ? undefined : force(name);
    return typeof text === 'string' ? `:${text}` : '';
  } catch {
    restoreDepth(depth);
    return '';
  }
}
