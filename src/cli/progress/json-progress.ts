/**
 * Progress for programs: `--log-format internal-json`, one JSON object a line behind `@nix `, with
 * C++ Nix's actions and its numbers of activities and results, so that what reads its log (nom and
 * others) reads ours.
 *
 * One activity of ours may be several of Nix's: a path from a cache is a substitution with a copy in
 * it and a transfer in that.
 */

import type { Activity, ActivityKind, ActivityOptions } from '#base';
import { runningVerb } from './describe.ts';
import { isShown, levelNumbers, type ClosableProgress, type MessageLevel, type Output } from './output.ts';

const activityTypes = {
  unknown: 0, copyPath: 100, fileTransfer: 101, realise: 102, copyPaths: 103, builds: 104, build: 105, verifyPaths: 107,
  substitute: 108,
} as const;
const resultTypes = { buildLogLine: 101, setPhase: 104, progress: 105, setExpected: 106 } as const;

type Field = string | number;

interface Counts {
  done: number;
  expected: number;
  running: number;
  failed: number;
}

/** Bytes between two reports of one transfer. */
const reportBytes = 1 << 16;

export class JsonProgress implements ClosableProgress {
  readonly #out: Output;
  readonly #verbosity: number;
  /** C++ Nix's ids are unique over processes: the upper half is the process's own id. */
  readonly #base: bigint;
  #count = 0n;
  #copies: { readonly id: bigint; readonly counts: Counts } | undefined;
  #builds: { readonly id: bigint; readonly realise: bigint; readonly counts: Counts } | undefined;

  constructor(out: Output, processId: number, verbosity = levelNumbers.debug) {
    this.#out = out;
    this.#verbosity = verbosity;
    this.#base = BigInt(processId) << 32n;
  }

  start(kind: ActivityKind, label: string, options: ActivityOptions = {}): Activity {
    const { subject } = options;
    if (subject?.kind === 'plan') return this.#startPlan(subject.inputs.size);
    if (subject?.kind === 'derivation') return this.#startBuild(subject.drvPath);
    if (subject?.kind === 'path') return this.#startSubstitution(subject.path, subject.source, options.total ?? 0);
    if (kind === 'download') return this.#startTransfer(label, 0n, options.total ?? 0);
    const type = kind === 'verify' ? activityTypes.verifyPaths : activityTypes.unknown;
    const id = this.#start(type, 4, `${runningVerb(kind)} ${label}`, []);
    return this.#plainActivity(id, options.total ?? 0);
  }

  message(level: MessageLevel, text: string): void {
    if (!isShown(level, this.#verbosity)) return;
    const shown = level === 'error' || level === 'warning' ? `${level}: ${text}` : text;
    this.#write({ action: 'msg', level: levelNumbers[level], msg: shown });
  }

  close(): void {
    if (this.#copies !== undefined) this.#stop(this.#copies.id);
    if (this.#builds !== undefined) {
      this.#stop(this.#builds.id);
      this.#stop(this.#builds.realise);
    }
    this.#copies = undefined;
    this.#builds = undefined;
  }

  #startPlan(count: number): Activity {
    const builds = this.#openBuilds();
    builds.counts.expected = Math.max(count, builds.counts.expected);
    this.#reportCounts(builds);
    return { advance() {}, detail() {}, finish() {} };
  }

  #startBuild(drvPath: string): Activity {
    const builds = this.#openBuilds();
    builds.counts.running += 1;
    builds.counts.expected = Math.max(builds.counts.expected, builds.counts.done + builds.counts.failed + builds.counts.running);
    this.#reportCounts(builds);
    const id = this.#start(activityTypes.build, 3, `building '${drvPath}'`, [drvPath, '', 1, 1]);
    let ended = false;
    return {
      advance() {},
      detail: (text) => this.#result(id, resultTypes.setPhase, [text]),
      log: (line) => {
        const phase = /^Running phase: ([A-Za-z]+)/.exec(line)?.[1];
        if (phase !== undefined) this.#result(id, resultTypes.setPhase, [phase]);
        this.#result(id, resultTypes.buildLogLine, [line]);
      },
      finish: (outcome = 'done') => {
        if (ended) return;
        ended = true;
        this.#stop(id);
        builds.counts.running -= 1;
        builds.counts[outcome] += 1;
        this.#reportCounts(builds);
      },
    };
  }

  #startSubstitution(path: string, source: string, total: number): Activity {
    const copies = this.#openCopies();
    copies.counts.running += 1;
    copies.counts.expected += 1;
    this.#reportCounts(copies);
    const outer = this.#start(activityTypes.substitute, 3, '', [path, source], copies.id);
    const copy = this.#start(activityTypes.copyPath, 3, `copying path '${path}' from '${source}'`, [path, source, 'local'], outer);
    const transfer = this.#startTransfer(source, copy, total);
    let ended = false;
    return {
      advance: (amount) => transfer.advance(amount),
      detail() {},
      finish: (outcome = 'done') => {
        if (ended) return;
        ended = true;
        transfer.finish(outcome);
        this.#stop(copy);
        this.#stop(outer);
        copies.counts.running -= 1;
        copies.counts[outcome] += 1;
        this.#reportCounts(copies);
      },
    };
  }

  #startTransfer(label: string, parent: bigint, total: number): Activity {
    const id = this.#start(activityTypes.fileTransfer, 4, `downloading '${label}'`, [label], parent);
    return this.#plainActivity(id, total);
  }

  #plainActivity(id: bigint, total: number): Activity {
    let done = 0;
    let reported = 0;
    let ended = false;
    return {
      advance: (amount) => {
        done += amount;
        if (done - reported < reportBytes && done !== total) return;
        reported = done;
        this.#result(id, resultTypes.progress, [done, Math.max(done, total), 0, 0]);
      },
      detail() {},
      finish: () => {
        if (!ended) this.#stop(id);
        ended = true;
      },
    };
  }

  #openBuilds() {
    if (this.#builds === undefined) {
      const realise = this.#start(activityTypes.realise, 6, '', []);
      const id = this.#start(activityTypes.builds, 6, '', [], 0n);
      this.#builds = { id, realise, counts: { done: 0, expected: 0, running: 0, failed: 0 } };
    }
    return this.#builds;
  }

  #openCopies() {
    this.#copies ??= {
      id: this.#start(activityTypes.copyPaths, 6, '', []), counts: { done: 0, expected: 0, running: 0, failed: 0 },
    };
    return this.#copies;
  }

  #reportCounts({ id, counts }: { readonly id: bigint; readonly counts: Counts }): void {
    const { done, expected, running, failed } = counts;
    this.#result(id, resultTypes.progress, [done, expected, running, failed]);
  }

  #start(type: number, level: number, text: string, fields: readonly Field[], parent = 0n): bigint {
    const id = this.#base + this.#count;
    this.#count += 1n;
    this.#write({
      action: 'start', ...(fields.length === 0 ? {} : { fields }), id, level, parent, text, type,
    });
    return id;
  }

  #result(id: bigint, type: number, fields: readonly Field[]): void {
    this.#write({ action: 'result', fields, id, type });
  }

  #stop(id: bigint): void {
    this.#write({ action: 'stop', id });
  }

  #write(object: Readonly<Record<string, unknown>>): void {
    const pairs = Object.entries(object).map(([key, value]) =>
      `${JSON.stringify(key)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`);
    this.#out.write(`@nix {${pairs.join(',')}}\n`);
  }
}

/** An error as C++ Nix's log has it. */
export function jsonError(rendered: string, message: string): string {
  return `@nix ${JSON.stringify({
    action: 'msg', column: null, file: null, level: 0, line: null, msg: rendered, raw_msg: message,
  })}\n`;
}
