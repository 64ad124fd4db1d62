/**
 * Notes when the last byte of a download came, so that the time of a first build can be told apart
 * from that of the line.
 */

import type { Activity, ActivityKind, ActivityOptions } from '#base';
import type { ClosableProgress, MessageLevel } from './output.ts';

export class DownloadClock implements ClosableProgress {
  readonly #shown: ClosableProgress;
  readonly #now: () => number;
  #lastByteAtMs: number | undefined;

  /** `now` in milliseconds, as `performance.now`. */
  constructor(shown: ClosableProgress, now: () => number = () => performance.now()) {
    this.#shown = shown;
    this.#now = now;
  }

  /** Since when nothing has been downloaded any more; undefined if nothing was at all. */
  get lastByteAtMs(): number | undefined {
    return this.#lastByteAtMs;
  }

  get showsLogs(): boolean {
    return this.#shown.showsLogs === true;
  }

  start(kind: ActivityKind, label: string, options?: ActivityOptions): Activity {
    const activity = this.#shown.start(kind, label, options);
    if (kind !== 'download') return activity;
    const { advance } = activity;
    // The same object: it may be named as the parent of others.
    activity.advance = (amount) => {
      if (amount > 0) this.#lastByteAtMs = this.#now();
      advance.call(activity, amount);
    };
    return activity;
  }

  message(level: MessageLevel, text: string): void {
    this.#shown.message(level, text);
  }

  close(): void {
    this.#shown.close();
  }
}
