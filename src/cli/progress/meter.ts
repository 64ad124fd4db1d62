/**
 * The meter behind both progress renderers: adds up activities by kind, so that a renderer can ask
 * at any moment what runs, how much is done, of how much, and how fast.
 *
 * Invariant: amounts are summed over activities that are not part of another of their own kind, so
 * that nothing counts twice.
 */

import type { Activity, ActivityKind, ActivityOptions } from '#base';

/** What one kind of work has come to so far. Times are milliseconds of the injected clock. */
export interface Tally {
  readonly kind: ActivityKind;
  started: number;
  ended: number;
  finished: number;
  failed: number;
  readonly running: Set<RunningActivity>;
  bytesDone: number;
  bytesTotal: number;
  itemsDone: number;
  itemsTotal: number;
  startedAt: number;
  /**
   * When there was last something done. One activity may stay open for all of a kind until everything
   * ends, so the end of one that has parts says nothing.
   */
  endedAt: number;
}

export interface RunningActivity {
  readonly label: string;
  detail: string;
  done: number;
  readonly total: number | undefined;
  readonly unit: 'bytes' | 'items';
  readonly isPart: boolean;
  hasParts: boolean;
}

export class ProgressMeter {
  readonly tallies = new Map<ActivityKind, Tally>();
  readonly #known = new WeakMap<Activity, { readonly kind: ActivityKind; readonly activity: RunningActivity }>();
  readonly #now: () => number;
  readonly #changed: () => void;

  constructor(now: () => number, changed: () => void) {
    this.#now = now;
    this.#changed = changed;
  }

  /** When bytes were last counted in work of this kind; undefined if none were. */
  lastBytesAt(kind: ActivityKind): number | undefined {
    const tally = this.tallies.get(kind);
    return tally === undefined || tally.bytesDone === 0 ? undefined : tally.endedAt;
  }

  start(kind: ActivityKind, label: string, options: ActivityOptions = {}): Activity {
    const tally = this.#tallyOf(kind);
    const parent = options.parent === undefined ? undefined : this.#known.get(options.parent);
    const isPart = parent?.kind === kind;
    if (isPart) parent.activity.hasParts = true;
    const activity: RunningActivity = {
      label,
      detail: '',
      done: 0,
      total: options.total,
      unit: options.unit ?? 'items',
      isPart,
      hasParts: false,
    };
    tally.running.add(activity);
    tally.started += 1;
    if (!activity.isPart && activity.total !== undefined) {
      if (activity.unit === 'bytes') tally.bytesTotal += activity.total;
      else tally.itemsTotal += activity.total;
    }
    this.#changed();

    const handle: Activity = {
      advance: (amount) => {
        activity.done += amount;
        tally.endedAt = this.#now();
        if (activity.isPart) return;
        if (activity.unit === 'bytes') tally.bytesDone += amount;
        else tally.itemsDone += amount;
      },
      detail: (text) => {
        activity.detail = text;
      },
      finish: (outcome = 'done') => {
        if (!tally.running.delete(activity)) return;
        tally.ended += 1;
        if (outcome === 'done') tally.finished += 1;
        else tally.failed += 1;
        if (!activity.hasParts) tally.endedAt = this.#now();
        this.#changed();
      },
    };
    this.#known.set(handle, { kind, activity });
    return handle;
  }

  #tallyOf(kind: ActivityKind): Tally {
    let tally = this.tallies.get(kind);
    if (tally === undefined) {
      const now = this.#now();
      tally = {
        kind, started: 0, ended: 0, finished: 0, failed: 0, running: new Set(),
        bytesDone: 0, bytesTotal: 0, itemsDone: 0, itemsTotal: 0, startedAt: now, endedAt: now,
      };
      this.tallies.set(kind, tally);
    }
    return tally;
  }
}
