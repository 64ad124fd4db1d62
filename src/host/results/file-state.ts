/**
 * What the system tells of a file that changes whenever its content does.
 *
 * A change sets the file's change time, which no program can choose (unlike the modification time).
 * Two things can hide a change nevertheless: a clock so coarse that a second change leaves the same
 * time, hence a state counts only for a file that had rested for a while when it was taken (as in
 * git's index); and file systems that make their content up, or that learn late of others' changes,
 * hence it counts only on those that are known to keep change times. Else content is compared.
 */

import { lstatSync, statfsSync, statSync, type BigIntStats, type Stats } from 'node:fs';
import { loadStore } from '../lazy-store.ts';

/** Longer than the step of any clock that file systems take their times from. */
const settleMilliseconds = 3000;

/** Types, as `statfs` tells them, of file systems that keep change times. */
const keepingTypes: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x9123683e, // btrfs
  0x58465342, // xfs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
  0x73717368, // squashfs
  0xe0f5e1e2, // erofs
  0x9660, // ISO 9660
]);

const keepingDevices = new Map<bigint, boolean>();

/** What Node's file functions take for a byte string. */
export function systemPlace(path: string): ReturnType<ReturnType<typeof loadStore>['systemPath']> {
  return /[^\x00-\x7f]/.test(path) ? loadStore().systemPath(path) : path;
}

/** Status without following a final link; undefined if nothing is there. */
export function statusAt(place: string): BigIntStats | undefined {
  return lstatSync(systemPlace(place), { bigint: true, throwIfNoEntry: false });
}

/**
 * The same in plain numbers, which is faster: times to a fraction of a microsecond, far finer than
 * the rest that a file must have had for its state to count.
 */
export function plainStatusAt(place: string): Stats | undefined {
  return lstatSync(systemPlace(place), { throwIfNoEntry: false });
}

/** Status of what a path leads to; undefined if nothing is there. */
export function targetStatusAt(place: string): BigIntStats | undefined {
  return statSync(systemPlace(place), { bigint: true, throwIfNoEntry: false });
}

/** A state in words: equal states of a settled file mean equal content. */
export function stateOf({ dev, ino, mode, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${mode} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** Whether a state that is taken now tells all later changes. */
export function isSettled(status: BigIntStats, place: string): boolean {
  const newest = status.ctimeMs > status.mtimeMs ? status.ctimeMs : status.mtimeMs;
  return isLongAgo(Number(newest)) && keepsChangeTimes(status.dev, place);
}

/** The state if it tells all later changes. */
export function settledState(status: BigIntStats | undefined, place: string): string | undefined {
  return status !== undefined && isSettled(status, place) ? stateOf(status) : undefined;
}

/** Whether a change now could not have the same time. */
export function isLongAgo(milliseconds: number): boolean {
  return milliseconds + settleMilliseconds < Date.now();
}

/** Whether what stands on a device says by its change time that it changed. */
export function keepsChangeTimes(device: bigint, place: string): boolean {
  let keeps = keepingDevices.get(device);
  if (keeps === undefined) {
    try {
      keeps = keepingTypes.has(Number(BigInt.asUintN(32, BigInt(statfsSync(systemPlace(place)).type))));
    } catch {
      keeps = false;
    }
    keepingDevices.set(device, keeps);
  }
  return keeps;
}
