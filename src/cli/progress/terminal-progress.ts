/**
 * Progress for people at a terminal: a live block at the bottom of standard error, redrawn a few
 * times a second. First the tree of builds, then a line for each other kind of work with amounts and
 * rates and what is in hand, at last the sum of the builds. The block never fills the terminal, so
 * that what was said before stays in sight. When the work is done it gives way to one summary line a
 * kind.
 */

import { createLogUpdate } from 'log-update';
import type { Activity, ActivityKind, ActivityOptions } from '#base';
import { BuildGraph } from './build-graph.ts';
import { buildTree } from './build-tree.ts';
import { describeFinished, describeRunning, formatBytes, formatDuration } from './describe.ts';
import { ProgressMeter, type RunningActivity, type Tally } from './meter.ts';
import { isShown, type SummingProgress, type MessageLevel, type ProgressChoice, type TerminalOutput } from './output.ts';
import { painter, type Paint } from './style.ts';
import { clip, displayWidth, plainLine } from './text-width.ts';

const frameMilliseconds = 120;
const shownInHand = 3;
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export class TerminalProgress implements SummingProgress {
  readonly #out: TerminalOutput;
  readonly #choice: ProgressChoice;
  readonly #paint: Paint;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #now: () => number;
  readonly #meter: ProgressMeter;
  readonly #builds = new BuildGraph();
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  /** What stands at the bottom. */
  #drawn: readonly string[] = [];
  #drawnColumns = 0;

  constructor(out: TerminalOutput, choice: ProgressChoice, now: () => number = () => performance.now()) {
    this.#out = out;
    this.#choice = choice;
    this.#paint = painter(choice.color);
    this.#now = now;
    this.#meter = new ProgressMeter(now, () => this.#schedule());
    this.#update = createLogUpdate(out as unknown as NodeJS.WriteStream);
  }

  get showsLogs(): boolean {
    return this.#choice.showLogs;
  }

  start(kind: ActivityKind, label: string, options?: ActivityOptions): Activity {
    const activity = this.#meter.start(kind, label, options);
    const subject = options?.subject;
    if (subject?.kind === 'plan') this.#builds.plan(subject.inputs);
    if (subject?.kind !== 'derivation') return activity;
    const node = this.#builds.start(subject.drvPath, this.#now());
    const { detail, finish } = activity;
    activity.detail = (text) => {
      node.phase = plainLine(text).trim();
      detail(text);
    };
    activity.log = (line) => {
      this.#builds.line(node, line);
      if (this.#choice.showLogs) this.#say(`${this.#paint('faint', `${node.name}>`)} ${plainLine(line)}`);
    };
    activity.finish = (outcome = 'done') => {
      if (node.state === 'running') this.#builds.end(node, outcome, this.#now());
      finish(outcome);
    };
    return activity;
  }

  lastBytesAt(kind: ActivityKind): number | undefined {
    return this.#meter.lastBytesAt(kind);
  }

  message(level: MessageLevel, text: string): void {
    if (!isShown(level, this.#choice.verbosity)) return;
    const style = level === 'error' ? 'red' : level === 'warning' ? 'yellow' : undefined;
    this.#say(`${style === undefined ? '' : `${this.#paint(style, `${level}:`)} `}${text}`);
  }

  close(): void {
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clear();
    for (const tally of this.#meter.tallies.values()) {
      if (tally.ended === 0) continue;
      const mark = tally.failed > 0 ? this.#paint('red', '✗') : this.#paint('green', '✓');
      this.#out.write(`${mark} ${describeFinished(tally)}\n`);
    }
    this.#meter.tallies.clear();
    this.#builds.clear();
    this.#update.done();
  }

  /** The lines of the block as it stands now. */
  frame(): string[] {
    const now = this.#now();
    // The last column stays free: a line that fills the width would wrap on some terminals.
    const columns = Math.max(20, (this.#out.columns ?? 80) - 1);
    const room = Math.max(3, Math.floor(((this.#out.rows ?? 24) * 2) / 3));
    const sign = spinner[this.#frame % spinner.length] as string;
    const others = this.#otherLines(now, columns, sign);
    const sum = this.#buildSum(now, columns, sign);
    const tree = buildTree(this.#builds, {
      columns, now, spinner: sign, lines: room - others.length - sum.length,
      paint: (style, text) => this.#paint(({ running: 'yellow', failed: 'red', faint: 'faint' } as const)[style], text),
    });
    return [...tree, ...others, ...sum];
  }

  /** Writes lines above the block. */
  #say(text: string): void {
    this.#clear();
    this.#out.write(`${text}\n`);
    if (this.#timer !== undefined) this.#draw();
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      this.#frame += 1;
      this.#draw();
    }, frameMilliseconds);
    this.#timer.unref();
  }

  #draw(): void {
    this.#takeBackWrapped();
    this.#drawn = this.frame();
    this.#drawnColumns = this.#out.columns ?? 80;
    this.#update(this.#drawn.join('\n'));
  }

  #clear(): void {
    this.#takeBackWrapped();
    this.#drawn = [];
    this.#update.clear();
  }

  /** A terminal that got narrower has broken our lines: removes the rows that this made too many. */
  #takeBackWrapped(): void {
    const columns = this.#out.columns ?? 80;
    if (columns >= this.#drawnColumns) return;
    const rows = this.#drawn.map((line) => Math.max(1, Math.ceil(displayWidth(plainLine(line)) / columns)));
    const more = rows.reduce((sum, count) => sum + count - 1, 0);
    if (more > 0) this.#out.write('\x1b[1A\x1b[2K'.repeat(more));
    this.#drawnColumns = columns;
  }

  /** What is done beside the builds that the tree shows. */
  #otherLines(now: number, columns: number, sign: string): string[] {
    const lines: string[] = [];
    for (const tally of this.#meter.tallies.values()) {
      if (tally.running.size === 0 || (tally.kind === 'build' && this.#builds.nodes.size > 0)) continue;
      lines.push(clip(`${sign} ${describeRunning(tally, now)}`, columns));
      for (const activity of inHand(tally)) lines.push(this.#paint('faint', clip(`    ${describeActivity(activity)}`, columns)));
    }
    return lines;
  }

  #buildSum(now: number, columns: number, sign: string): string[] {
    const tally = this.#meter.tallies.get('build');
    if (tally === undefined || tally.running.size === 0 || this.#builds.nodes.size === 0) return [];
    const { planned, running, done, failed } = this.#builds.counts();
    const parts = [
      `${running} running`, ...(failed > 0 ? [`${failed} failed`] : []),
      ...(planned > 0 ? [`${planned} waiting`] : []), formatDuration(now - tally.startedAt),
    ];
    const text = clip(`${sign} built ${done} of ${planned + running + done + failed}, ${parts.join(', ')}`, columns);
    return [failed > 0 ? text.replace(`${failed} failed`, this.#paint('red', `${failed} failed`)) : text];
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
  return plainLine(text);
}
