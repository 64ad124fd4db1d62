/**
 * How an evaluation is performed whose question is known, when only files that it imports have
 * changed since (docs/decisions/revisions.md).
 *
 * The first evaluation of a question is made as fast as it can be; most are never asked again. The
 * second one, after a change, notes what it reads and leaves an image; whoever changes a file once
 * will do so again. Those that follow go on from the image and evaluate what the change reaches.
 * An image stays as it was made. When so much has changed since that little of it serves, it is given
 * up, and the next evaluation makes another.
 */

import { dirname } from 'node:path';
import type { Observations } from './trace.ts';

/** The image that a result has been made with, or that was made with the result. */
export interface Basis {
  /** Its name, which no other has. */
  readonly image: string;
  /** Its input files, each with the hash of the content that it knows. */
  readonly inputs: ReadonlyMap<string, string>;
  /** Files that only later evaluations have seen: the image knows nothing of them. */
  readonly later: ReadonlySet<string>;
  /** How much those have evaluated again, in parts of all. */
  readonly spent: number;
}

/** What a result tells of the evaluations before it. */
export interface History {
  readonly basis?: Basis | undefined;
  /**
   * How often it was found that no image could be made or used, in a row. From `mostRefusals` on it
   * counts the evaluations made without trying.
   */
  readonly refusals: number;
  /** Whether it took so long that an image of it serves. */
  readonly isWorthwhile: boolean;
}

/** How to perform an evaluation: with notes of what it reads, going on from an image, or without, where that failed. */
export type Revision =
  | { readonly kind: 'anew'; readonly refusals: number }
  | { readonly kind: 'noted'; readonly inputs: readonly string[]; readonly refusals: number }
  | {
    readonly kind: 'again'; readonly basis: Basis; readonly refusals: number;
    /** The question's key, by which its image is found. */
    readonly question: string;
    /** Inputs whose content is not what the image knows. */
    readonly changed: readonly string[];
    /** Files whose content is not what the last result's evaluation saw. */
    readonly since: readonly string[];
  };

/** More than that is no configuration that somebody edits. */
const mostChanged = 40;
const mostInputs = 200;
/** After so many it is left alone, until so many evaluations more. */
const mostRefusals = 2;
const patience = 20;
/**
 * When such a part of all was evaluated again, at once or little by little, another image has paid for
 * itself: making one takes about as long as that.
 */
const worthwhile = 1 / 16;

/** Whether files may be followed at all that have changed since a result. */
export function mayChange({ seen, history: { basis } }: Known): (place: string) => boolean {
  const inStore = [...seen.places.values()];
  return (place) => basis?.later.has(place) === true
    || (!seen.texts.has(place) && !inStore.some((one) => place === one || place.startsWith(`${one}/`)));
}

interface Known {
  readonly seen: Observations;
  readonly history: History;
}

/**
 * What follows from these files having changed since a question's result. `hashNow` is that of a file's
 * content, undefined if it cannot be read; `hasImage` says whether that of the result is there.
 */
export function planRevision(
  question: string, known: Known, changed: readonly string[], hashNow: (place: string) => string | undefined, hasImage: boolean,
): Revision | undefined {
  const { seen, history: { basis, refusals, isWorthwhile } } = known;
  if (!isWorthwhile) return undefined;
  if (refusals >= mostRefusals) return { kind: 'anew', refusals: refusals >= patience ? 0 : refusals + 1 };
  if (changed.length > mostChanged) return undefined;
  const isReached = ({ inputs, later }: Basis) => changed.every((place) => inputs.has(place) || later.has(place));
  if (basis === undefined || !isReached(basis) || !hasImage) {
    return { kind: 'noted', inputs: chooseInputs(seen, changed), refusals };
  }
  const changedNow = new Set(changed);
  const others: string[] = [];
  for (const [place, hash] of basis.inputs) {
    const now = changedNow.has(place) ? hashNow(place) : seen.files.get(place)?.hash ?? hash;
    if (now === undefined) return undefined;
    if (now !== hash) others.push(place);
  }
  return { kind: 'again', question, basis, changed: others, since: changed, refusals };
}

/** Files that are likely to change next: those that have, and their neighbours, if these are few. */
function chooseInputs({ files, texts }: Observations, changed: readonly string[]): string[] {
  const isImported = (place: string) => !texts.has(place);
  const folders = [...new Set(changed.map((place) => dirname(place)))];
  const below = folders.map((folder) => (folder === '/' ? folder : `${folder}/`));
  const imported = [...files.keys()].filter(isImported);
  const around = imported.filter((place) => below.some((folder) => place.startsWith(folder)));
  if (around.length <= mostInputs) return around;
  const beside = imported.filter((place) => folders.includes(dirname(place)));
  return beside.length <= mostInputs ? beside : [...changed];
}

/** The basis of an evaluation that has left an image. */
export function newBasis(image: string, inputs: readonly string[], { files, texts }: Observations): Basis {
  const known = new Map<string, string>();
  for (const place of inputs) {
    const file = files.get(place);
    // What was not imported this time is no input of the image, and of what else was read a text is known.
    if (file !== undefined && !texts.has(place)) known.set(place, file.hash);
  }
  return { image, inputs: known, later: new Set(), spent: 0 };
}

/** The same for the next one, unless too much was evaluated again; `now` is what this one saw itself. */
export function nextBasis(
  basis: Basis, before: Observations, now: Observations, counts: { readonly again: number; readonly ofAll: number },
): Basis | undefined {
  const spent = basis.spent + counts.again / counts.ofAll;
  if (spent > worthwhile) return undefined;
  const later = new Set(basis.later);
  for (const place of now.files.keys()) if (!before.files.has(place)) later.add(place);
  return { ...basis, later, spent };
}
