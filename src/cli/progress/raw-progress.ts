/**
 * Progress as C++ Nix writes it to logs: a line for what begins, builders' output as it is, messages.
 * Nothing is summed up and nothing moves.
 */

import type { Activity, ActivityKind, ActivityOptions } from '#base';
import { isShown, type ClosableProgress, type MessageLevel, type Output, type ProgressChoice } from './output.ts';
import { plainLine } from './text-width.ts';

export class RawProgress implements ClosableProgress {
  readonly #out: Output;
  readonly #choice: ProgressChoice;
  /** `name> ` before builders' lines, as `bar-with-logs` has it. */
  readonly #namesBuilds: boolean;

  constructor(out: Output, choice: ProgressChoice, options: { readonly namesBuilds: boolean }) {
    this.#out = out;
    this.#choice = choice;
    this.#namesBuilds = options.namesBuilds;
  }

  get showsLogs(): boolean {
    return this.#choice.showLogs;
  }

  start(_kind: ActivityKind, label: string, { subject }: ActivityOptions = {}): Activity {
    if (this.#choice.verbosity >= 3 && subject?.kind === 'derivation') this.#line(`building '${subject.drvPath}'...`);
    if (this.#choice.verbosity >= 3 && subject?.kind === 'path') {
      this.#line(`copying path '${subject.path}' from '${subject.source}'...`);
    }
    const prefix = this.#namesBuilds ? `${label}> ` : '';
    return {
      advance() {},
      detail() {},
      finish() {},
      log: (line) => {
        if (this.#choice.showLogs) this.#line(prefix + (this.#namesBuilds ? plainLine(line) : line));
      },
    };
  }

  message(level: MessageLevel, text: string): void {
    if (!isShown(level, this.#choice.verbosity)) return;
    this.#line(level === 'error' || level === 'warning' ? `${level}: ${text}` : text);
  }

  close(): void {}

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }
}
