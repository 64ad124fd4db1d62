/**
 * Progress for logs: plain lines on standard error, one when a kind of work begins, one every ten
 * seconds while it lasts, one with its sum when it rests. No cursor movement, no colour.
 */

import type { Activity, ActivityKind, ActivityOptions } from '#base';
import { describeFinished, describeRunning, runningVerb } from './describe.ts';
import { ProgressMeter } from './meter.ts';
import { isShown, type SummingProgress, type MessageLevel, type Output } from './output.ts';

const intervalMilliseconds = 10_000;

export class LineProgress implements SummingProgress {
  readonly #out: Output;
  readonly #verbosity: number;
  readonly #meter = new ProgressMeter(() => performance.now(), () => {});
  readonly #announced = new Set<ActivityKind>();
  readonly #timer: NodeJS.Timeout;

  constructor(out: Output, verbosity: number) {
    this.#out = out;
    this.#verbosity = verbosity;
    this.#timer = setInterval(() => this.#status(), intervalMilliseconds);
    this.#timer.unref();
  }

  start(kind: ActivityKind, label: string, options?: ActivityOptions): Activity {
    if (!this.#announced.has(kind)) {
      this.#announced.add(kind);
      this.#line(`${runningVerb(kind)} ${label} …`);
    } else if (this.#verbosity > 3) {
      this.#line(`${runningVerb(kind)} ${label}`);
    }
    const activity = this.#meter.start(kind, label, options);
    if (this.#verbosity > 3) activity.log = (line) => this.#line(line);
    return activity;
  }

  lastBytesAt(kind: ActivityKind): number | undefined {
    return this.#meter.lastBytesAt(kind);
  }

  message(level: MessageLevel, text: string): void {
    if (!isShown(level, this.#verbosity)) return;
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
