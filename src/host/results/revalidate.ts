/**
 * Asks the world again what an evaluation asked it, and compares the answers.
 *
 * Cheap questions come first, so that a change is mostly found early. Whatever fails on the way is
 * a change too: the evaluation itself will say what is wrong.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { encodeUtf8, sha256Hex } from '#base';
import type { FetchResult } from '#eval';
import type { StorePath } from '#formats';
import type { LocalStore } from '#store';
import { describeEntry, describePath } from '../file-description.ts';
import { loadStore } from '../lazy-store.ts';
import type { Environment } from '../settings.ts';
import type { EvaluationServices } from '../worker/run-evaluation.ts';
import { stateOf, systemPlace, targetStatusAt } from './file-state.ts';
import { folderText, statusWord, type ContentObservation, type Observations } from './trace.ts';
import { isTreeUnchanged } from './tree-survey.ts';

export interface World {
  readonly environment: Environment;
  readonly services: EvaluationServices;
  /** Opened only if something asks for it. */
  readonly store: () => LocalStore;
}

/** Whether every answer is what it was. */
export async function isUnchanged(seen: Observations, world: World): Promise<boolean> {
  return changedFiles(seen, world, () => false) !== undefined && holdsElse(seen, world);
}

/**
 * The files whose content is another; undefined if one of them is none that `mayChange`, or is not
 * there any more, or a variable, a link or what stands somewhere is another. Quick.
 */
export function changedFiles(
  seen: Observations, world: Pick<World, 'environment'>, mayChange: (place: string) => boolean,
): readonly string[] | undefined {
  try {
    if (!variablesHold(seen, world) || !statusesHold(seen)) return undefined;
    const changed: string[] = [];
    for (const [place, known] of seen.files) {
      if (contentHolds(known, place, () => readFileSync(systemPlace(place), 'latin1'))) continue;
      if (!mayChange(place) || isInTree(place, seen)) return undefined;
      changed.push(place);
    }
    return changed;
  } catch {
    return undefined;
  }
}

/** Whether all is what it was that `changedFiles` does not ask for. */
export async function holdsElse(seen: Observations, world: World): Promise<boolean> {
  try {
    return foldersHold(seen) && await storeHolds(seen, world) && await fetchesHold(seen, world);
  } catch {
    return false;
  }
}

/** Then the tree has changed too, unless a filter has left the file out. */
function isInTree(place: string, { trees }: Observations): boolean {
  for (const tree of trees.values()) if (place.startsWith(`${tree.place}/`)) return true;
  return false;
}

function variablesHold({ variables }: Observations, { environment }: Pick<World, 'environment'>): boolean {
  return every(variables, (value, name) => {
    const now = environment[name];
    return (now === undefined ? undefined : encodeUtf8(now)) === value;
  });
}

function statusesHold(seen: Observations): boolean {
  return every(seen.statuses, (word, place) => statusWord(describePath(systemPlace(place))) === word)
    && every(seen.links, (target, place) => loadStore().readLinkBytes(place) === target);
}

function foldersHold(seen: Observations): boolean {
  return every(seen.folders, (known, place) =>
      contentHolds(known, place, () => folderText(entriesNow(place))))
    && every(seen.trees, (tree) => isTreeUnchanged(tree));
}

function contentHolds({ state, hash }: ContentObservation, place: string, read: () => string): boolean {
  if (state !== undefined) {
    const status = targetStatusAt(place);
    if (status === undefined) return false;
    if (stateOf(status) === state) return true;
  }
  return sha256Hex(read()) === hash;
}

async function storeHolds(
  { places, validity, references, written }: Observations, { store }: World,
): Promise<boolean> {
  // With the store's modules, which most expressions do without.
  const { placeInStore } = places.size > 0 ? await import('../store-place.ts') : { placeInStore: () => '' };
  return written.every((path) => {
      store().addTemporaryRoot(path as StorePath);
      return store().isValidPath(path as StorePath);
    })
    && every(places, (place, path) => placeInStore(store(), path) === place)
    && every(validity, (isValid, path) => store().isValidPath(path as StorePath) === isValid)
    && every(references, (known, path) =>
      (store().queryPathInfo(path as StorePath)?.references ?? []).join(' ') === known);
}

async function fetchesHold({ fetches, searchPathEntries }: Observations, { services }: World): Promise<boolean> {
  for (const [entry, path] of searchPathEntries) {
    if ((await services.resolveSearchPathEntry?.(entry) ?? null) !== path) return false;
  }
  for (const { kind, attributes, result } of fetches.values()) {
    if (services.fetch === undefined || !sameFetch(await services.fetch(kind, attributes), result)) return false;
  }
  return true;
}

function sameFetch(one: FetchResult, other: FetchResult): boolean {
  return one.storePath === other.storePath && one.attributes.size === other.attributes.size
    && [...one.attributes].every(([name, value]) => other.attributes.get(name) === value);
}

function entriesNow(place: string) {
  const entries = readdirSync(systemPlace(place), { withFileTypes: true, encoding: 'latin1' });
  return new Map(entries.map((entry) => [entry.name, describeEntry(entry).type]));
}

function every<Key, Value>(map: ReadonlyMap<Key, Value>, test: (value: Value, key: Key) => boolean): boolean {
  for (const [key, value] of map) if (!test(value, key)) return false;
  return true;
}
