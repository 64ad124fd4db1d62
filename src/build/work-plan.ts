/**
 * What is to be done, before it is done: the derivations whose outputs are missing, and how much
 * each downloads, so that progress can say of how much.
 *
 * It is an estimate: substituters and other processes may save some of the work.
 */
import { knownOutputPath, type Derivation, type StorePath } from '#formats';
import type { Store } from '#store';

export type WorkKind = 'download' | 'unpack' | 'build';

export interface PlannedWork {
  readonly kind: WorkKind;
  /** What is downloaded, or was for it. */
  readonly sizeBytes: number;
  /**
   * How much depends on it being begun early: its own effort and that of all that must come after
   * it, along the longest way to a root. Of what could begin, the highest rank goes first, or a
   * long chain would begin last and keep all cores but one idle at the end.
   */
  readonly rank: number;
}

/** The work that is to be done, by derivation. */
export type WorkPlan = Map<StorePath, PlannedWork>;

/** The derivations to be built for `roots`, inputs of missing ones included. */
export function planWork(store: Store, roots: readonly StorePath[]): WorkPlan {
  const ordered = inputsFirst(store, roots);
  const efforts = effortsOf(store, ordered);
  const rankAfter = new Map<StorePath, number>();
  const plan: WorkPlan = new Map();
  for (const drvPath of ordered.reverse()) {
    const derivation = store.readDerivation(drvPath);
    const rank = (rankAfter.get(drvPath) ?? 0) + (efforts.get(drvPath) as number);
    for (const input of derivation.inputDerivations.keys()) {
      rankAfter.set(input, Math.max(rank, rankAfter.get(input) ?? 0));
    }
    plan.set(drvPath, { kind: kindOf(derivation), sizeBytes: sizeOf(store, derivation), rank });
  }
  return plan;
}

/** The derivations with a missing output, each after those that it needs. */
function inputsFirst(store: Store, roots: readonly StorePath[]): StorePath[] {
  const ordered: StorePath[] = [];
  const seen = new Set<StorePath>();
  // A derivation is met twice: on the way down, then with all its inputs in order.
  const left: { drvPath: StorePath; isEntered: boolean }[] = [];
  const enter = (drvPath: StorePath): void => { left.push({ drvPath, isEntered: false }); };
  roots.forEach(enter);
  for (let top = left.pop(); top !== undefined; top = left.pop()) {
    if (top.isEntered) {
      ordered.push(top.drvPath);
      continue;
    }
    if (seen.has(top.drvPath) || !store.isValidPath(top.drvPath)) continue;
    seen.add(top.drvPath);
    const derivation = store.readDerivation(top.drvPath);
    if (isComplete(store, derivation)) continue;
    left.push({ drvPath: top.drvPath, isEntered: true });
    for (const input of derivation.inputDerivations.keys()) enter(input);
  }
  return ordered;
}

/**
 * How long each derivation takes, in bytes that could be unpacked meanwhile: by what is downloaded
 * or unpacked, and for any other by what its direct inputs handled. An estimate is enough.
 */
function effortsOf(store: Store, ordered: readonly StorePath[]): Map<StorePath, number> {
  const handled = new Map<StorePath, number>();
  const efforts = new Map<StorePath, number>();
  for (const drvPath of ordered) {
    const derivation = store.readDerivation(drvPath);
    let bytes = sizeOf(store, derivation);
    if (bytes === 0) {
      for (const input of derivation.inputDerivations.keys()) bytes += handled.get(input) ?? 0;
    }
    handled.set(drvPath, Math.min(bytes, heaviest));
    efforts.set(drvPath, Math.min(bytes, heaviest) * (paces.get(derivation.builder) ?? 1));
  }
  return efforts;
}

/**
 * How long builders take beside unpacking the same packages, where it is far from as long. Those
 * that only link what is there take next to no time; a hardware database takes long for its size.
 */
const paces: ReadonlyMap<string, number> = new Map([
  ['builtin:concat-files', 0.01],
  ['builtin:hwdb', 10],
  ['builtin:initrd', 0.1],
  ['builtin:link-trees', 0.1],
  ['builtin:merge-trees', 0.1],
  ['builtin:modules-closure', 0.1],
  ['builtin:systemd-units', 0.01],
  ['builtin:write-file', 0.01],
  ['builtin:write-tree', 0.01],
]);

/** So that sums over a graph of shared inputs stay far from the end of exact integers. */
const heaviest = 2 ** 40;

function isComplete(store: Store, derivation: Derivation): boolean {
  for (const output of derivation.outputs.values()) {
    const path = knownOutputPath(output);
    if (path === undefined || !store.isValidPath(path)) return false;
  }
  return true;
}

function sizeOf(store: Store, derivation: Derivation): number {
  if (kindOf(derivation) !== 'unpack') return Number(derivation.env.get('size')) || 0;
  let size = 0;
  for (const input of derivation.inputDerivations.keys()) {
    if (store.isValidPath(input)) size += Number(store.readDerivation(input).env.get('size')) || 0;
  }
  return size;
}

/** What making its outputs mostly is. */
export function kindOf(derivation: Derivation): WorkKind {
  if (derivation.builder === 'builtin:fetchurl') return 'download';
  return derivation.builder === 'builtin:unpack-deb' ? 'unpack' : 'build';
}
