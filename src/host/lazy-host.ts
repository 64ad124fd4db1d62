/**
 * The evaluator's door, made when something first goes through it.
 *
 * Behind the door stand the store and its formats, a third of all modules that an evaluation can
 * need. An expression without files, derivations or store paths starts without them. What the
 * evaluator asks cannot wait for a promise, hence `require` for modules of our own.
 */

import { createRequire } from 'node:module';
import type { Progress } from '#base';
import type { Host } from '#eval';
import type { EvaluationHost, EvaluationHostOptions } from './evaluation-host.ts';
import { loadStore } from './lazy-store.ts';
import type { ChosenStore } from './store-location.ts';

const require = createRequire(import.meta.url);

export interface LazyHostOptions extends Omit<EvaluationHostOptions, 'openStore'> {
  /** Where the store stands. */
  readonly store: ChosenStore;
}

export class LazyHost implements Host {
  readonly storeDirectory: string;
  readonly progress: Progress;
  readonly #options: LazyHostOptions;
  #made: EvaluationHost | undefined;

  constructor(options: LazyHostOptions) {
    this.#options = options;
    this.storeDirectory = options.storeDirectory;
    this.progress = options.progress;
  }

  /** The host itself. */
  get real(): EvaluationHost {
    return this.#made ??= makeHost(this.#options);
  }

  /** See `EvaluationHost`. */
  imageTexts(): ReadonlyMap<string, string> {
    return this.real.imageTexts();
  }

  close(): void {
    this.#made?.close();
  }

  currentTime(): number {
    this.#options.trace?.giveUp();
    return this.#options.currentTime;
  }

  readonly readFile: Host['readFile'] = (path) => this.real.readFile(path);
  readonly readIdentified: NonNullable<Host['readIdentified']> = (path, known) => this.real.readIdentified(path, known);
  readonly lstat: Host['lstat'] = (path) => this.real.lstat(path);
  readonly readDirectory: Host['readDirectory'] = (path) => this.real.readDirectory(path);
  readonly readLink: Host['readLink'] = (path) => this.real.readLink(path);
  readonly addPathToStore: Host['addPathToStore'] = (name, path, options) =>
    this.real.addPathToStore(name, path, options);
  readonly addTextToStore: Host['addTextToStore'] = (name, text, references) =>
    this.real.addTextToStore(name, text, references);
  readonly instantiate: Host['instantiate'] = (request) => this.real.instantiate(request);
  readonly realise: Host['realise'] = (elements) => this.real.realise(elements);
  readonly isValidPath: Host['isValidPath'] = (path) => this.real.isValidPath(path);
  readonly storePathReferences: Host['storePathReferences'] = (path) => this.real.storePathReferences(path);
  readonly readDerivation: Host['readDerivation'] = (path) => this.real.readDerivation(path);
  readonly fetch: Host['fetch'] = (kind, attributes) => this.real.fetch(kind, attributes);
  readonly environmentVariable: Host['environmentVariable'] = (name) => this.real.environmentVariable(name);
  readonly resolveSearchPathEntry: Host['resolveSearchPathEntry'] = (entry) =>
    this.real.resolveSearchPathEntry(entry);
}

function makeHost({ store, ...options }: LazyHostOptions): EvaluationHost {
  const host = require('./evaluation-host.ts') as typeof import('./evaluation-host.ts');
  const { LocalStore } = loadStore();
  return new host.EvaluationHost({
    ...options, openStore: () => new LocalStore(store),
  });
}
