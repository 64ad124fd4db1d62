/** Tells two renderers the same: what is shown, and what is kept in a file (`json-log-path`). */

import type { Activity, ActivityKind, ActivityOptions } from '#base';
import type { ClosableProgress, MessageLevel } from './output.ts';

export class TeeProgress implements ClosableProgress {
  readonly #both: readonly [ClosableProgress, ClosableProgress];

  constructor(shown: ClosableProgress, kept: ClosableProgress) {
    this.#both = [shown, kept];
  }

  get showsLogs(): boolean {
    return this.#both[0].showsLogs === true;
  }

  start(kind: ActivityKind, label: string, options?: ActivityOptions): Activity {
    const [shown, kept] = this.#both.map((one) => one.start(kind, label, options)) as [Activity, Activity];
    return {
      advance(amount) {
        shown.advance(amount);
        kept.advance(amount);
      },
      detail(text) {
        shown.detail(text);
        kept.detail(text);
      },
      log(line) {
        shown.log?.(line);
        kept.log?.(line);
      },
      finish(outcome) {
        shown.finish(outcome);
        kept.finish(outcome);
      },
    };
  }

  message(level: MessageLevel, text: string): void {
    for (const one of this.#both) one.message(level, text);
  }

  close(): void {
    for (const one of this.#both) one.close();
  }
}
