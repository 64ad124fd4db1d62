/** The inputs of a locked flake as entries of a registry: each name stands for what is locked. */

import { findInput, type LockedFlake } from '#eval';
import type { RegistryEntry } from './registry-file.ts';

export function inputNames({ root }: LockedFlake): RegistryEntry[] {
  return root.sortedInputs().flatMap(([name]) => {
    const lock = findInput(root, [name])?.lock;
    if (lock === undefined) return [];
    const { input, directory } = lock.locked;
    return [{ from: new Map([['type', 'indirect'], ['id', name]]), to: input, directory, isExact: false }];
  });
}
