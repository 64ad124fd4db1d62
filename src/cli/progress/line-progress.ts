/**
 * Progress for logs: plain lines on standard error, one when a kind of work begins, one every ten
 * seconds while it lasts, one with its sum when it rests. No cursor movement, no colour.
 */

import type { Activity, ActivityKind, ActivityOptions } from '#base';
import { describeFinished, describeRunning, runningVerb } from './describe.ts';
import { ProgressMeter } from './meter.ts';
import type { ClosableProgress, Output } from './output.ts';

const intervalMilliseconds = 10_000;

export class LineProgress implements ClosableProgress {
  readonly #out: Output;
  readonly #verbose: boolean;
  readonly #meter = new ProgressMeter(() => performance.now(), () => {});
  readonly #announced = new Set<ActivityKind>();
  readonly #timer: NodeJS.Timeout;

  constructor(out: Output, verbose: boolean) {
    this.#out = out;
    this.#verbose = verbose;
    this.#timer = setInterval(() => this.#status(), intervalMilliseconds);
    this.#timer.unref();
  }

  start(kind: ActivityKind, label: string, options?: ActivityOptions): Activity {
    if (!this.#announced.has(kind)) {
      this.#announced.add(kind);
      this.#line(`${runningVerb(kind)} ${label} …`);
    } else if (this.#verbose) {
      this.#line(`${runningVerb(kind)} ${label}`);
    }
    return this.#meter.start(kind, label, options);
  }

  message(level: 'error' | 'warning' | 'notice' | 'info' | 'debug', text: string): void {
    if (level === 'debug' && !this.#verbose) return;
    this.#line(level === 'error' || level === 'warning' ? `${level}: ${text}` : text);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const tally of this.#meter.tallies.values()) {
      if (tally.ended > 0) this.#line(describeFinished(tally));
    }
    this.#meter.tallies.clear();
    this.#announced.clear();
  }

  #status(): void {
    const now = performance.now();
    for (const tally of this.#meter.tallies.values()) {
      if (tally.running.size > 0) this.#line(describeRunning(tally, now));
    }
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }
}
