/**
 * Who observes the calls of an evaluation, by the settings: `trace-function-calls` writes a line
 * when one begins and when it ends, `eval-profiler` takes samples.
 */

import type { Progress } from '#base';
import { decodeUtf8 } from '#base';
import { showPosition, type Position } from '#diagnostics';
import type { CallObserver, Slot, Value } from '#runtime';
import type { NixSettings } from '../settings.ts';
import { CallProfiler } from './call-profiler.ts';

export interface ClosableObserver extends CallObserver {
  close(): void;
}

/** Whether the settings ask for an observer. */
export function observesCalls(settings: NixSettings): boolean {
  return (settings.text('eval-profiler') ?? 'disabled') !== 'disabled' || settings.flag('trace-function-calls', false);
}

/** The observer that the settings ask for; undefined if they ask for none. */
export function callObserver(
  settings: NixSettings, progress: Progress, workingDirectory: string,
): ClosableObserver | undefined {
  const kind = settings.text('eval-profiler') ?? 'disabled';
  const profiler = kind === 'disabled' ? undefined : new CallProfiler(settings, workingDirectory);
  if (!settings.flag('trace-function-calls', false)) return profiler;
  const trace = new CallTrace(progress);
  return profiler === undefined ? trace : new Both(trace, profiler);
}

class CallTrace implements ClosableObserver {
  readonly #progress: Progress;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  entered(_f: Value, _args: readonly Slot[], position: Position): void {
    this.#write('entered', position);
  }

  exited(position: Position): void {
    this.#write('exited', position);
  }

  close(): void {}

  #write(what: string, position: Position): void {
    const place = decodeUtf8(showPosition(position));
    this.#progress.message('notice', `function-trace ${what} ${place} at ${process.hrtime.bigint()}`);
  }
}

class Both implements ClosableObserver {
  readonly #all: readonly ClosableObserver[];

  constructor(...all: readonly ClosableObserver[]) {
    this.#all = all;
  }

  entered(f: Value, args: readonly Slot[], position: Position): void {
    for (const one of this.#all) one.entered(f, args, position);
  }

  exited(position: Position): void {
    for (const one of this.#all) one.exited(position);
  }

  close(): void {
    for (const one of this.#all) one.close();
  }
}
