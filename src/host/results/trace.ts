/**
 * Everything that an evaluation saw of the world, noted while it runs.
 *
 * Each question to the world is noted with its answer, once: another answer to the same question
 * later on means that the world changed meanwhile, and then nothing is kept. What can be asked
 * again only at a price (content) is noted with a hash of what was read and the file's state from
 * before the reading. An evaluation that looked at something which cannot be asked again, such as
 * the clock, is given up: it runs to its end but leaves no result.
 */

import { sha256Hex, type Progress } from '#base';
import type { FetchAttribute, FetchResult, FileStatus, FileType } from '#eval';
import { settledState, targetStatusAt } from './file-state.ts';
import type { TreeObservation } from './tree-survey.ts';

/** Content of a file or folder: a hash, and the state that it had if the state can be relied on. */
export interface ContentObservation {
  readonly state: string | undefined;
  readonly hash: string;
}

export interface FetchObservation {
  readonly kind: string;
  readonly attributes: ReadonlyMap<string, FetchAttribute>;
  readonly result: FetchResult;
}

/** What was shown on the way, in order. */
export type Shown =
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'message'; readonly level: Parameters<Progress['message']>[0]; readonly text: string };

/** All that was seen. Paths are byte strings of where things really stand. */
export interface Observations {
  readonly files: ReadonlyMap<string, ContentObservation>;
  /** Files whose text was asked for; of the others only the value is known to the program. */
  readonly texts: ReadonlySet<string>;
  readonly folders: ReadonlyMap<string, ContentObservation>;
  /** What `lstat` tells: see `statusWord`. */
  readonly statuses: ReadonlyMap<string, string>;
  readonly links: ReadonlyMap<string, string>;
  readonly trees: ReadonlyMap<string, TreeObservation>;
  readonly variables: ReadonlyMap<string, string | undefined>;
  /** Whether store paths are valid. */
  readonly validity: ReadonlyMap<string, boolean>;
  readonly references: ReadonlyMap<string, string>;
  /** Where the files of logical store paths stand. */
  readonly places: ReadonlyMap<string, string>;
  readonly fetches: ReadonlyMap<string, FetchObservation>;
  readonly searchPathEntries: ReadonlyMap<string, string | null>;
  /** Paths that were written, of which each other written one is in the closure. */
  readonly written: readonly string[];
}

/** A reading that has begun. */
export type Reading = string | undefined;

export class EvaluationTrace {
  readonly #files = new Map<string, ContentObservation>();
  readonly #texts = new Set<string>();
  readonly #folders = new Map<string, ContentObservation>();
  readonly #statuses = new Map<string, string>();
  readonly #links = new Map<string, string>();
  readonly #trees = new Map<string, TreeObservation>();
  readonly #variables = new Map<string, string | undefined>();
  readonly #validity = new Map<string, boolean>();
  readonly #references = new Map<string, string>();
  readonly #places = new Map<string, string>();
  readonly #fetches = new Map<string, FetchObservation>();
  readonly #searchPathEntries = new Map<string, string | null>();
  readonly #written = new Set<string>();
  readonly #referredTo = new Set<string>();
  readonly #shown: Shown[] = [];
  #shownLength = 0;
  #isUsable = true;

  /** Whether all that was seen can be asked again. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  get shown(): readonly Shown[] {
    return this.#shown;
  }

  /** Something was seen that cannot be asked again, or not be told apart from a change. */
  giveUp(): void {
    this.#isUsable = false;
  }

  /** To be called before a file or folder is read. */
  beginReading(place: string): Reading {
    try {
      const status = targetStatusAt(place);
      // A device or a pipe gives something else each time.
      if (status !== undefined && !status.isFile() && !status.isDirectory()) this.giveUp();
      return settledState(status, place);
    } catch {
      return undefined;
    }
  }

  /** The text of a file was asked for. */
  text(place: string): void {
    this.#texts.add(place);
  }

  /** `hash` is that of the content. */
  file(place: string, begun: Reading, hash: string): void {
    this.#content(this.#files, place, begun, hash);
  }

  folder(place: string, begun: Reading, entries: ReadonlyMap<string, FileType>): void {
    this.#content(this.#folders, place, begun, sha256Hex(folderText(entries)));
  }

  status(place: string, status: FileStatus | null): void {
    this.#note(this.#statuses, place, statusWord(status));
  }

  link(place: string, target: string): void {
    this.#note(this.#links, place, target);
  }

  tree(tree: TreeObservation): void {
    const key = sha256Hex(`${tree.method}\0${tree.place}\0${tree.entries}`);
    const known = this.#trees.get(key);
    if (known === undefined) this.#trees.set(key, tree);
    else if (known.hash !== tree.hash) this.giveUp();
  }

  variable(name: string, value: string | undefined): void {
    this.#note(this.#variables, name, value);
  }

  validity(path: string, isValid: boolean): void {
    // What became valid during the evaluation was made valid for it.
    if (this.#validity.get(path) === false && isValid) return this.giveUp();
    this.#note(this.#validity, path, isValid);
  }

  references(path: string, references: readonly string[]): void {
    this.#note(this.#references, path, references.join(' '));
  }

  place(path: string, place: string): void {
    this.#note(this.#places, path, place);
  }

  fetched(kind: string, attributes: ReadonlyMap<string, FetchAttribute>, result: FetchResult): void {
    this.#fetches.set(JSON.stringify([kind, ...[...attributes].sort()]), { kind, attributes, result });
  }

  searchPathEntry(entry: string, path: string | null): void {
    this.#note(this.#searchPathEntries, entry, path);
  }

  written(path: string, references: readonly string[]): void {
    this.#written.add(path);
    for (const reference of references) if (reference !== path) this.#referredTo.add(reference);
  }

  show(shown: Shown): void {
    this.#shownLength += shown.kind === 'output' ? shown.bytes.length : shown.text.length;
    if (this.#shownLength > maximumShown) this.giveUp();
    if (this.#isUsable) this.#shown.push(shown);
  }

  /**
   * Adds what another evaluation saw, on whose values this one builds. Files that are others now,
   * `changed`, must have been seen by this one too, but for those that no longer count.
   */
  addEarlier(seen: Observations, changed: ReadonlySet<string>, noLonger: ReadonlySet<string>): void {
    for (const [place, known] of seen.files) {
      if (!changed.has(place)) this.#content(this.#files, place, known.state, known.hash);
      else if (!this.#files.has(place) && !noLonger.has(place)) this.giveUp();
    }
    for (const place of seen.texts) this.#texts.add(place);
    for (const [place, known] of seen.folders) this.#content(this.#folders, place, known.state, known.hash);
    for (const tree of seen.trees.values()) this.tree(tree);
    for (const [key, fetch] of seen.fetches) if (!this.#fetches.has(key)) this.#fetches.set(key, fetch);
    this.#noteAll(this.#statuses, seen.statuses);
    this.#noteAll(this.#links, seen.links);
    this.#noteAll(this.#variables, seen.variables);
    this.#noteAll(this.#validity, seen.validity);
    this.#noteAll(this.#references, seen.references);
    this.#noteAll(this.#places, seen.places);
    this.#noteAll(this.#searchPathEntries, seen.searchPathEntries);
    for (const path of seen.written) this.#written.add(path);
  }

  #noteAll<Answer>(answers: Map<string, Answer>, others: ReadonlyMap<string, Answer>): void {
    for (const [question, answer] of others) this.#note(answers, question, answer);
  }

  observations(): Observations {
    return {
      files: this.#files, texts: this.#texts, folders: this.#folders, statuses: this.#statuses, links: this.#links, trees: this.#trees,
      variables: this.#variables, validity: this.#validity, references: this.#references, places: this.#places,
      fetches: this.#fetches, searchPathEntries: this.#searchPathEntries,
      written: [...this.#written].filter((path) => !this.#referredTo.has(path)),
    };
  }

  #note<Answer>(answers: Map<string, Answer>, question: string, answer: Answer): void {
    if (!answers.has(question)) answers.set(question, answer);
    else if (answers.get(question) !== answer) this.giveUp();
  }

  #content(answers: Map<string, ContentObservation>, place: string, state: Reading, hash: string): void {
    const known = answers.get(place);
    if (known === undefined) answers.set(place, { state, hash });
    else if (known.hash !== hash) this.giveUp();
  }
}

/** One word for what `lstat` tells the evaluator. */
export function statusWord(status: FileStatus | null): string {
  if (status === null) return 'absent';
  return status.type === 'regular' && status.executable === true ? 'executable' : status.type;
}

/** A folder's names and types as a text, whatever order the system lists them in. */
export function folderText(entries: ReadonlyMap<string, FileType>): string {
  return [...entries].map(([name, type]) => `${name}\0${type}`).sort().join('\0');
}

/** Longer outputs are not kept. */
const maximumShown = 1 << 25;
