/**
 * Copying paths from any store to any other, each path only if it is not there already.
 *
 * Closures are found level by level, so that a store far away is asked few times. What is missing
 * goes over in one batch, each path after those it refers to: whatever breaks off leaves a valid
 * store, and the next run goes on from there.
 */

import { noProgress, type Progress } from '#base';
import type { PathInfo, StorePath } from '#formats';
import type { ValidPathInfo } from '../store.ts';
import { lacksSignature, referenceCycle } from '../binary-cache/errors.ts';
import { pathNotAtPeer } from './errors.ts';
import type { OfferedPath, StorePeer } from './peer.ts';

export interface CopyOptions {
  /** Only the paths themselves, whose references the receiver has. Default: all they refer to. */
  readonly withoutClosure?: boolean;
  /** Lets the receiver look for the paths in its own caches first. */
  readonly substitute?: boolean;
  /** Whether to believe a description; undefined leaves that to the receiver. */
  readonly believes?: (info: PathInfo) => boolean;
  /** The receiver need not ask for signatures. */
  readonly withoutSignatures?: boolean;
  /** Finds what is missing, and copies nothing. */
  readonly dryRun?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Copies; returns what was missing, in the order in which it went over. */
export async function copyPaths(
  from: StorePeer, to: StorePeer, paths: readonly StorePath[], options: CopyOptions = {},
): Promise<ValidPathInfo[]> {
  const progress = options.progress ?? noProgress;
  const infos = await describe(from, paths, options);
  const valid = await to.queryValidPaths([...infos.keys()], { substitute: options.substitute ?? false });
  const missing = referencesFirst([...infos.values()].filter((info) => !valid.has(info.path)));
  const { believes } = options;
  for (const info of believes === undefined ? [] : missing) {
    if (!(believes as NonNullable<typeof believes>)(info)) throw lacksSignature(info.path, from.name);
  }
  if (options.dryRun === true || missing.length === 0) return missing;
  const activity = progress.start('copy', missing.length === 1 ? 'one path' : `${missing.length} paths`, {
    unit: 'bytes', total: missing.reduce((sum, info) => sum + info.narSizeBytes, 0),
  });
  const offered = missing.map((info): OfferedPath => ({
    // Built it is only where it was built.
    info: { ...info, ultimate: false },
    async *nar() {
      for await (const piece of from.narOf(info.path)) {
        options.signal?.throwIfAborted();
        activity.advance(piece.length);
        yield piece;
      }
    },
  }));
  try {
    await to.addPaths(offered, {
      withoutSignatures: options.withoutSignatures ?? false,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    activity.finish();
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
  return missing;
}

/** All that the paths refer to, themselves included, as `from` knows it. Throws PATH_NOT_VALID. */
export async function describe(
  from: StorePeer, paths: readonly StorePath[], options: Pick<CopyOptions, 'withoutClosure' | 'signal'> = {},
): Promise<Map<StorePath, ValidPathInfo>> {
  const found = new Map<StorePath, ValidPathInfo>();
  let level = [...new Set(paths)];
  while (level.length > 0) {
    options.signal?.throwIfAborted();
    const infos = await from.queryPathInfos(level);
    for (const path of level) {
      const info = infos.get(path);
      if (info === undefined) throw pathNotAtPeer(from.name, path);
      found.set(path, info);
    }
    if (options.withoutClosure === true) break;
    const next = new Set([...infos.values()].flatMap((info) => info.references));
    level = [...next].filter((path) => !found.has(path));
  }
  return found;
}

/** Each after what it refers to. Throws REFERENCE_CYCLE for descriptions that cannot be true. */
export function referencesFirst<I extends PathInfo>(infos: readonly I[]): I[] {
  const byPath = new Map(infos.map((info) => [info.path, info]));
  const state = new Map<StorePath, 'open' | 'done'>();
  const order: I[] = [];
  for (const start of infos) {
    const stack: { info: I; left: StorePath[] }[] = [];
    const enter = (info: I): void => {
      if (state.get(info.path) === 'done') return;
      if (state.get(info.path) === 'open') throw referenceCycle(info.path);
      state.set(info.path, 'open');
      stack.push({ info, left: info.references.filter((one) => one !== info.path) });
    };
    enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.left.pop();
      if (next === undefined) {
        stack.pop();
        state.set(top.info.path, 'done');
        order.push(top.info);
        continue;
      }
      const info = byPath.get(next);
      if (info !== undefined) enter(info);
    }
  }
  return order;
}
