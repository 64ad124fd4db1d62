/**
 * What a daemon tells while it works: lines, activities with their results, and in the end success
 * or an error. Here they become our `Progress` and lines of build logs.
 */

import { noProgress, type Activity, type ActivityKind, type Progress } from '#base';
import { nameOf, maybeStorePath } from '#formats';
import { refusedByPeer, withoutColors } from './errors.ts';
import type { WireFailure, WireReader } from './wire.ts';

/** Marks before each message. */
export const stderrMarks = {
  next: 0x6f6c6d67,
  read: 0x64617461,
  write: 0x64617416,
  last: 0x616c7473,
  error: 0x63787470,
  startActivity: 0x53545254,
  stopActivity: 0x53544f50,
  result: 0x52534c54,
} as const;

export interface MessageListener {
  readonly progress?: Progress;
  /** A line of a builder's output. */
  readonly log?: (line: string) => void;
}

export type Field = string | number;

const activityKinds: Readonly<Record<number, ActivityKind>> = {
  100: 'copy', 101: 'download', 105: 'build', 107: 'verify', 112: 'download',
};

/** Numbers of results. */
export const resultTypes = { buildLogLine: 101, setPhase: 104, progress: 105, postBuildLogLine: 107 } as const;

/** Hears the messages of one operation. */
export class RemoteMessages {
  readonly #store: string;
  readonly #progress: Progress;
  readonly #listener: MessageListener;
  readonly #activities = new Map<bigint, { activity: Activity; done: number; isBuild: boolean }>();

  constructor(store: string, listener: MessageListener) {
    this.#store = store;
    this.#listener = listener;
    this.#progress = listener.progress ?? noProgress;
  }

  /** Hears until the operation has ended. Throws REMOTE_ERROR for the error that it ended with. */
  async hear(reader: WireReader, fail: WireFailure): Promise<void> {
    try {
      for (;;) {
        const mark = await reader.number();
        switch (mark) {
          case stderrMarks.last: return;
          case stderrMarks.error: throw await this.#error(reader, fail);
          case stderrMarks.next: this.#line(await reader.text()); break;
          case stderrMarks.startActivity: await this.#start(reader, fail); break;
          case stderrMarks.stopActivity: this.#stop(await reader.wideNumber()); break;
          case stderrMarks.result: await this.#result(reader, fail); break;
          default: throw fail(`a message of the unknown type ${mark.toString(16)}`);
        }
      }
    } finally {
      for (const { activity } of this.#activities.values()) activity.finish();
      this.#activities.clear();
    }
  }

  async #error(reader: WireReader, fail: WireFailure): Promise<Error> {
    if (await reader.text() !== 'Error') return fail('an error of an unknown form');
    await reader.number();
    await reader.text();
    const message = await reader.text();
    // Positions are never sent.
    if (await reader.number() !== 0) return fail('an error with a position');
    const traces = await reader.list(async () => {
      if (await reader.number() !== 0) throw fail('an error with a position');
      return reader.text();
    });
    return refusedByPeer(this.#store, message, traces);
  }

  #line(text: string): void {
    for (const line of text.replace(/\n$/, '').split('\n')) {
      const plain = withoutColors(line);
      const level = /^(error|warning):/.exec(plain)?.[1] as 'error' | 'warning' | undefined;
      this.#progress.message(level ?? 'info', level === undefined ? plain : plain.slice(level.length + 1).trim());
    }
  }

  async #start(reader: WireReader, fail: WireFailure): Promise<void> {
    const id = await reader.wideNumber();
    await reader.number();
    const type = await reader.number();
    const text = await reader.text();
    const fields = await this.#fields(reader, fail);
    const parent = this.#activities.get(await reader.wideNumber())?.activity;
    const kind = activityKinds[type];
    if (kind === undefined) return;
    const [drvPath] = fields;
    this.#activities.set(id, {
      activity: this.#progress.start(kind, labelOf(fields, text), {
        ...(kind === 'build' ? {} : { unit: 'bytes' as const }), ...(parent === undefined ? {} : { parent }),
        ...(kind === 'build' && typeof drvPath === 'string' && drvPath !== '' ? { subject: { kind: 'derivation', drvPath } } : {}),
      }),
      done: 0, isBuild: kind === 'build',
    });
  }

  #stop(id: bigint): void {
    this.#activities.get(id)?.activity.finish();
    this.#activities.delete(id);
  }

  async #result(reader: WireReader, fail: WireFailure): Promise<void> {
    const id = await reader.wideNumber();
    const type = await reader.number();
    const [first] = await this.#fields(reader, fail);
    const entry = this.#activities.get(id);
    if (type === resultTypes.buildLogLine || type === resultTypes.postBuildLogLine) {
      if (this.#listener.log !== undefined) this.#listener.log(String(first ?? ''));
      else entry?.activity.log?.(String(first ?? ''));
    } else if (type === resultTypes.setPhase && entry !== undefined) {
      entry.activity.detail(String(first ?? ''));
    } else if (type === resultTypes.progress && entry !== undefined && typeof first === 'number' && !entry.isBuild) {
      entry.activity.advance(Math.max(0, first - entry.done));
      entry.done = first;
    }
  }

  #fields(reader: WireReader, fail: WireFailure): Promise<Field[]> {
    return reader.list(async () => {
      const type = await reader.number();
      if (type === 1) return reader.text();
      if (type !== 0) throw fail(`a field of the unknown type ${type}`);
      return Number(await reader.wideNumber());
    });
  }
}

/** The name of the store path that an activity is about, or else its text. */
function labelOf(fields: readonly Field[], text: string): string {
  const [first] = fields;
  const path = typeof first === 'string' ? maybeStorePath(first) : undefined;
  return path === undefined ? text : nameOf(path);
}
