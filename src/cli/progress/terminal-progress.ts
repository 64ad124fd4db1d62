/**
 * Progress for people at a terminal: a live block at the bottom of standard error, redrawn a few
 * times a second, one line a kind of work with amounts and rates, and under it what is in hand.
 * When the work is done the block gives way to one summary line a kind.
 */

import { createLogUpdate } from 'log-update';
import type { Activity, ActivityKind, ActivityOptions } from '#base';
import { describeFinished, describeRunning, formatBytes } from './describe.ts';
import { ProgressMeter, type RunningActivity, type Tally } from './meter.ts';
import type { ClosableProgress, TerminalOutput } from './output.ts';

const frameMilliseconds = 120;
const shownInHand = 3;
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const dim = (text: string) => `\x1b[2m${text}\x1b[22m`;
const green = (text: string) => `\x1b[32m${text}\x1b[39m`;
const yellow = (text: string) => `\x1b[33m${text}\x1b[39m`;
const red = (text: string) => `\x1b[31m${text}\x1b[39m`;

export class TerminalProgress implements ClosableProgress {
  readonly #out: TerminalOutput;
  readonly #verbose: boolean;
  readonly #color: boolean;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #meter = new ProgressMeter(() => performance.now(), () => this.#schedule());
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;

  constructor(out: TerminalOutput, options: { verbose: boolean; color: boolean }) {
    this.#out = out;
    this.#verbose = options.verbose;
    this.#color = options.color;
    this.#update = createLogUpdate(out as unknown as NodeJS.WriteStream);
  }

  start(kind: ActivityKind, label: string, options?: ActivityOptions): Activity {
    return this.#meter.start(kind, label, options);
  }

  message(level: 'error' | 'warning' | 'notice' | 'info' | 'debug', text: string): void {
    if (level === 'debug' && !this.#verbose) return;
    this.#update.clear();
    const paint = level === 'error' ? red : level === 'warning' ? yellow : undefined;
    const prefix = paint === undefined ? '' : `${this.#color ? paint(level) : level}: `;
    this.#out.write(`${prefix}${text}\n`);
    if (this.#timer !== undefined) this.#draw();
  }

  close(): void {
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#timer = undefined;
    this.#update.clear();
    for (const tally of this.#meter.tallies.values()) {
      if (tally.ended === 0) continue;
      const mark = tally.failed > 0 ? this.#paint(red, '✗') : this.#paint(green, '✓');
      this.#out.write(`${mark} ${describeFinished(tally)}\n`);
    }
    this.#meter.tallies.clear();
    this.#update.done();
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#draw(), frameMilliseconds);
    this.#timer.unref();
  }

  #draw(): void {
    const now = performance.now();
    this.#frame += 1;
    const width = Math.max(20, (this.#out.columns ?? 80) - 1);
    const lines: string[] = [];
    for (const tally of this.#meter.tallies.values()) {
      if (tally.running.size === 0) continue;
      const glyph = spinner[this.#frame % spinner.length] ?? '*';
      lines.push(clip(`${glyph} ${describeRunning(tally, now)}`, width));
      for (const activity of inHand(tally)) {
        lines.push(this.#paint(dim, clip(`    ${describeActivity(activity)}`, width)));
      }
    }
    this.#update(lines.join('\n'));
  }

  #paint(style: (text: string) => string, text: string): string {
    return this.#color ? style(text) : text;
  }
}

/** What is in hand: the activities that came last, since they are the ones that still move. */
function inHand(tally: Tally): RunningActivity[] {
  return [...tally.running].slice(-shownInHand);
}

function describeActivity(activity: RunningActivity): string {
  let text = activity.label;
  if (activity.detail !== '') text += `: ${activity.detail}`;
  if (activity.total !== undefined && activity.total > 0) {
    const percent = Math.min(100, Math.floor((activity.done / activity.total) * 100));
    text += ` ${percent} %`;
    if (activity.unit === 'bytes') text += ` of ${formatBytes(activity.total)}`;
  }
  return text;
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
