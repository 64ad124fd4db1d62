/**
 * Substituting: making paths valid from binary caches, with all they refer to.
 *
 * First the whole closure is described, which costs small files only: caches are asked in order of
 * their priority, and the first whose description is believed is taken. Then the NARs are fetched,
 * several at once, each path after those it refers to, and each becomes valid in one step. A path
 * whose NAR fails in one cache is tried in the next. A cache that cannot be used, or that is gone
 * all at once, is told of once and then left out. Whatever many callers want is fetched once.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { UserError, noProgress, type Progress } from '#base';
import {
  makeContentAddressedPath, nameOf, noReferences, type ContentAddress, type NarInfo, type StorePath,
} from '#formats';
import type { AblePeer } from '../remote/peer.ts';
import type { Realisation, Store } from '../store.ts';
import { BinaryCache, type BinaryCacheOptions } from './binary-cache.ts';
import { isOn, parseCacheUrl } from './cache-url.ts';
import { lacksSignature, notInCache, referenceCycle } from './errors.ts';
import { PeerSource, type SubstituteSource } from './substitute-source.ts';
import { Trust, type TrustOptions } from './trust.ts';

export interface CacheSubstituterOptions extends Omit<BinaryCacheOptions, 'storeDirectory'>, TrustOptions {
  /** URLs as the setting substituters lists them. */
  readonly urls: readonly string[];
  /** What cannot be fetched is told and left to be built. Default: false, it is an error. */
  readonly fallback?: boolean;
  /** Opens what is no binary cache. */
  readonly openPeer?: (url: string) => AblePeer;
  /** NARs at once. Default: 8. */
  readonly downloads?: number;
  /** Between saying that a path is fetched and fetching it: tests meet others there. Default: 0. */
  readonly pauseMilliseconds?: number;
}

export interface SubstitutionOptions {
  /** Of the path that is wanted, if it follows from that alone: caches of other store directories may have it. */
  readonly contentAddress?: ContentAddress | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

interface Candidate {
  readonly cache: SubstituteSource;
  /** What the source knows the path by. */
  readonly there: NarInfo;
  readonly info: NarInfo;
}

export class CacheSubstituter {
  readonly name = 'binary caches';
  readonly #options: CacheSubstituterOptions;
  readonly #trust: Trust;
  readonly #found = new Map<string, Promise<Candidate | undefined>>();
  readonly #fetches = new Map<StorePath, Promise<void>>();
  readonly #told = new Set<string>();
  readonly #gone = new Set<SubstituteSource>();
  readonly #waiting: (() => void)[] = [];
  readonly #opened: PeerSource[] = [];
  #free: number;
  #caches: Promise<readonly SubstituteSource[]> | undefined;

  constructor(options: CacheSubstituterOptions) {
    this.#options = options;
    this.#trust = new Trust(options);
    this.#free = Math.max(1, options.downloads ?? 8);
  }

  /**
   * Makes the path and all it refers to valid; false if no cache has it (any more). Throws
   * `UserError` when the NAR of a path cannot be had, though a cache has it.
   */
  async substitute(path: StorePath, store: Store, options: SubstitutionOptions = {}): Promise<boolean> {
    const run = new Substitution(store, options);
    try {
      const missing: StorePath[] = [];
      const plan = await this.#plan(path, run, missing);
      if (plan === undefined) return false;
      if (missing.length > 0) {
        run.progress.message('warning', `'${path}' is not substituted: no cache has '${missing[0]}', which it needs`);
        return false;
      }
      await Promise.all([...plan.values()].map((one) => this.#fetch(one.info.path, plan, run)));
      return true;
    } catch (error) {
      run.signal?.throwIfAborted();
      if (!(error instanceof UserError)) throw error;
      // What was collected there is not there: that is no failure.
      if (this.#options.fallback !== true && error.code !== 'CACHE_FILE_MISSING') throw error;
      run.progress.message('warning', `${error.message}; '${path}' is built instead`);
      return false;
    }
  }

  /** What `substitute` would fetch; undefined if it could not, since some things it needs (`lacking`) are nowhere. */
  async describe(
    path: StorePath, store: Store, options: SubstitutionOptions = {}, lacking = new Set<StorePath>(),
  ): Promise<readonly NarInfo[] | undefined> {
    const missing: StorePath[] = [];
    const plan = await this.#plan(path, new Substitution(store, options), missing);
    for (const one of missing) if (one !== path) lacking.add(one);
    return plan === undefined || missing.length > 0 ? undefined : [...plan.values()].map((one) => one.info);
  }

  /** Those of the paths that caches have, as far as these want to be asked for so many; signed or not. */
  async available(paths: readonly StorePath[], store: Store): Promise<Set<StorePath>> {
    const run = new Substitution(store, {});
    const found = new Set<StorePath>();
    for (const cache of (await this.#open(run)).filter(({ wantsMassQuery }) => wantsMassQuery)) {
      await Promise.all(paths.filter((path) => !found.has(path)).map(async (path) => {
        try {
          if (await cache.narInfo(path) !== undefined) found.add(path);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          this.#tell(run, error.message);
        }
      }));
    }
    return found;
  }

  /** What a believed cache says that an output was built to. */
  async queryRealisation(drvPath: StorePath, output: string, store: Store): Promise<Realisation | undefined> {
    const run = new Substitution(store, {});
    for (const cache of await this.#open(run)) {
      try {
        const found = await cache.realisation(drvPath, output);
        if (found === undefined) continue;
        if (cache.trusted || this.#trust.believesRealisation(found)) return found;
        this.#tell(run, `ignoring substitute for '${drvPath}^${output}' from '${cache.name}', as it's not signed by any of the keys in 'trusted-public-keys'`);
      } catch (error) {
        if (!(error instanceof UserError) || error.code === 'BAD_SIGNING_KEY') throw error;
        this.#tell(run, error.message);
      }
    }
    return undefined;
  }

  /** What the first cache that has the path, and is believed, says of it. */
  async infoOf(path: StorePath, store: Store): Promise<NarInfo | undefined> {
    return (await this.#lookUp(path, new Substitution(store, {})))?.info;
  }

  /** As `substitute`, for several paths that must be there: throws NOT_IN_CACHE, LACKS_SIGNATURE. */
  async require(paths: readonly StorePath[], store: Store, options: SubstitutionOptions = {}): Promise<void> {
    const run = new Substitution(store, options);
    run.strict = true;
    for (const path of paths) {
      if (store.isValidPath(path)) continue;
      const missing: StorePath[] = [];
      const plan = await this.#plan(path, run, missing);
      const absent = plan === undefined ? path : missing[0];
      if (absent !== undefined) throw notInCache(absent, this.#options.urls);
      await Promise.all([...(plan ?? new Map()).values()].map((one) => this.#fetch(one.info.path, plan!, run)));
    }
  }

  /** Ends what it keeps open. */
  close(): void {
    this.#options.memory?.close();
    for (const source of this.#opened) void source.close();
  }

  /** All that is to be fetched for a path, by path; undefined if no cache has the path itself. */
  async #plan(
    root: StorePath, run: Substitution, missing: StorePath[],
  ): Promise<Map<StorePath, Candidate> | undefined> {
    const plan = new Map<StorePath, Candidate>();
    let level: readonly StorePath[] = [root];
    const seen = new Set<StorePath>(level);
    while (level.length > 0) {
      const found = await Promise.all(level.map((path) => this.#lookUp(path, run)));
      const next: StorePath[] = [];
      found.forEach((candidate, index) => {
        const path = level[index] as StorePath;
        if (candidate === undefined) {
          missing.push(path);
          return;
        }
        plan.set(path, candidate);
        for (const reference of candidate.info.references) {
          if (seen.has(reference) || run.store.isValidPath(reference)) continue;
          seen.add(reference);
          next.push(reference);
        }
      });
      if (!plan.has(root)) return undefined;
      level = next;
    }
    checkAcyclic(root, plan);
    return plan;
  }

  #lookUp(path: StorePath, run: Substitution): Promise<Candidate | undefined> {
    // What was passed over before is an error now.
    if (run.strict) return this.#firstCandidate(path, run, []);
    const question = run.questionFor(path);
    let found = this.#found.get(question);
    if (found === undefined) {
      found = this.#firstCandidate(path, run, []);
      this.#found.set(question, found);
      found.catch(() => this.#found.delete(question));
    }
    return found;
  }

  /** The first cache's description that is believed; `tried` are left out. */
  async #firstCandidate(
    path: StorePath, run: Substitution, tried: readonly SubstituteSource[],
  ): Promise<Candidate | undefined> {
    let unsigned: SubstituteSource | undefined;
    for (const cache of await this.#open(run)) {
      if (tried.includes(cache) || this.#gone.has(cache)) continue;
      try {
        const wanted = run.nameThere(path, cache.storeDirectory);
        const there = wanted === undefined ? undefined : await cache.narInfo(wanted, run.signal);
        if (there === undefined) continue;
        const info = wanted === path ? there : run.renamed(there, path);
        if (cache.trusted || this.#trust.believes(info, run.store.storeDirectory)) return { cache, info, there };
        unsigned = cache;
        // It may be signed, or its key trusted, by the next time.
        cache.forget(path);
        if (!run.strict) {
          this.#tell(run, `ignoring substitute for '${path}' from '${cache.name}', as it's not signed by any of the keys in 'trusted-public-keys'`);
        }
      } catch (error) {
        run.signal?.throwIfAborted();
        if (run.strict || !(error instanceof UserError) || error.code === 'BAD_SIGNING_KEY') throw error;
        if (!isGone(error)) this.#tell(run, error.message);
        else if (!this.#gone.has(cache)) {
          this.#gone.add(cache);
          this.#tell(run, `${error.message}; this cache is not used any more`);
        }
      }
    }
    if (run.strict && unsigned !== undefined) throw lacksSignature(path, unsigned.name);
    return undefined;
  }

  /** All caches that can be used, the most wanted first. */
  #open(run: Substitution): Promise<readonly SubstituteSource[]> {
    this.#caches ??= this.#openAll(run);
    this.#caches.catch(() => { this.#caches = undefined; });
    return this.#caches;
  }

  async #openAll(run: Substitution): Promise<readonly SubstituteSource[]> {
    const opened = await Promise.all(this.#options.urls.map(async (url) => {
      try {
        return await this.#openOne(url, run);
      } catch (error) {
        run.signal?.throwIfAborted();
        if (run.strict || !(error instanceof UserError)) throw error;
        this.#tell(run, `${error.message}; this cache is not used`);
        return undefined;
      }
    }));
    return opened.filter((cache) => cache !== undefined).sort((a, b) => a.priority - b.priority);
  }

  async #openOne(url: string, run: Substitution): Promise<SubstituteSource> {
    const { openPeer } = this.#options;
    if (openPeer !== undefined && !/^(file|https?|s3):/.test(url)) {
      const parameters = new URLSearchParams(url.replace(/^[^?]*\??/, ''));
      const priority = parameters.get('priority');
      const source = new PeerSource(openPeer(url), {
        priority: priority === null ? undefined : Number(priority), trusted: isOn(parameters.get('trusted')),
        wantsMassQuery: isOn(parameters.get('want-mass-query')),
      });
      this.#opened.push(source);
      return source;
    }
    const cache = parseCacheUrl(url);
    return BinaryCache.open(cache, {
      ...this.#options, storeDirectory: cache.storeDirectory ?? run.store.storeDirectory,
      transport: { tell: (text) => this.#tell(run, text), ...this.#options.transport },
    }, run.signal);
  }

  #fetch(path: StorePath, plan: ReadonlyMap<StorePath, Candidate>, run: Substitution): Promise<void> {
    let fetch = this.#fetches.get(path);
    if (fetch === undefined) {
      fetch = this.#fetchAfterReferences(path, plan, run);
      this.#fetches.set(path, fetch);
      // Another time it may go better, and a path may be collected and wanted again.
      fetch.then(() => this.#fetches.delete(path), () => this.#fetches.delete(path));
    }
    return fetch;
  }

  async #fetchAfterReferences(
    path: StorePath, plan: ReadonlyMap<StorePath, Candidate>, run: Substitution,
  ): Promise<void> {
    // Fetches of a deep graph must not all begin on one stack.
    await Promise.resolve();
    const candidate = plan.get(path) as Candidate;
    const before = candidate.info.references.filter((reference) => reference !== path && plan.has(reference));
    await Promise.all(before.map((reference) => this.#fetch(reference, plan, run)));
    await this.#inPlace(async () => {
      run.signal?.throwIfAborted();
      if (!run.store.isValidPath(path)) await this.#fetchFromAny(candidate, run);
    });
  }

  async #fetchFromAny(first: Candidate, run: Substitution): Promise<void> {
    const { path } = first.info;
    const tried: SubstituteSource[] = [];
    let failure: unknown;
    for (let candidate: Candidate | undefined = first; candidate !== undefined;) {
      try {
        await fetchNar(candidate, run, this.#options.pauseMilliseconds ?? 0);
        return;
      } catch (error) {
        run.signal?.throwIfAborted();
        if (!(error instanceof UserError) || error.code === 'DISK_FULL') throw error;
        failure ??= error;
        candidate.cache.forget(path);
        this.#found.delete(run.questionFor(path));
        tried.push(candidate.cache);
        candidate = run.strict ? undefined : await this.#firstCandidate(path, run, tried);
        if (candidate !== undefined) this.#tell(run, error.message);
      }
    }
    throw failure;
  }

  async #inPlace(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  /** Each thing is told once, to somebody. */
  #tell(run: Substitution, text: string): void {
    if (this.#told.has(text) || run.progress === noProgress) return;
    this.#told.add(text);
    run.progress.message('warning', text);
  }
}

/** Where one substitution goes, and who watches it. */
class Substitution {
  readonly store: Store;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
  /** Nothing is passed over. */
  strict = false;
  readonly #contentAddress: ContentAddress | undefined;

  constructor(store: Store, options: SubstitutionOptions) {
    this.store = store;
    this.progress = options.progress ?? noProgress;
    this.signal = options.signal;
    this.#contentAddress = options.contentAddress;
  }

  /** What is asked: whoever knows a path's content may find it where its name alone says nothing. */
  questionFor(path: StorePath): string {
    return this.#contentAddress === undefined ? path : `${path} by content`;
  }

  /** What a path is called in a store of another directory: only one that follows from its content alone. */
  nameThere(path: StorePath, storeDirectory: string): StorePath | undefined {
    if (storeDirectory === this.store.storeDirectory) return path;
    if (this.#contentAddress === undefined) return undefined;
    const name = (directory: string): StorePath =>
      makeContentAddressedPath(nameOf(path), this.#contentAddress as ContentAddress, noReferences, directory);
    return name(this.store.storeDirectory) === path ? name(storeDirectory) : undefined;
  }

  /** A description from there, of what has the name `path` here. */
  renamed(there: NarInfo, path: StorePath): NarInfo {
    const { deriver: _, ...info } = there;
    return { ...info, path, references: [], signatures: [], contentAddress: this.#contentAddress as ContentAddress };
  }
}

async function fetchNar({ cache, info, there }: Candidate, run: Substitution, pause: number): Promise<void> {
  const activity = run.progress.start('download', nameOf(info.path), {
    unit: 'bytes', subject: { kind: 'path', path: info.path, source: cache.name },
    ...(info.fileSizeBytes === undefined ? {} : { total: info.fileSizeBytes }),
  });
  // Another process may have made it valid while we waited for the lock: nothing is asked for then.
  async function* narIfStillMissing(): AsyncGenerator<Uint8Array, void, void> {
    if (run.store.isValidPath(info.path)) return;
    run.progress.message('debug', `downloading '${cache.name}/${there.url}'...`);
    yield* cache.nar(there, run.signal, activity);
  }
  try {
    if (pause > 0) await sleep(pause);
    await run.store.addNar(info, narIfStillMissing(), noProgress, run.signal);
    activity.finish();
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
}

/** Whether the next question would be answered no better. */
function isGone({ code }: UserError): boolean {
  return code === 'CACHE_UNREACHABLE' || code === 'STORE_UNREACHABLE';
}

/** Waiting for each other, paths of a cycle would wait for ever. */
function checkAcyclic(root: StorePath, plan: ReadonlyMap<StorePath, Candidate>): void {
  const state = new Map<StorePath, 'open' | 'done'>();
  const stack: { readonly path: StorePath; readonly left: StorePath[] }[] = [];
  const enter = (path: StorePath): void => {
    const references = plan.get(path)?.info.references ?? [];
    state.set(path, 'open');
    stack.push({ path, left: references.filter((one) => one !== path && plan.has(one)) });
  };
  enter(root);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.left.pop();
    if (next === undefined) {
      state.set(top.path, 'done');
      stack.pop();
    } else if (state.get(next) === 'open') {
      throw referenceCycle(next);
    } else if (!state.has(next)) {
      enter(next);
    }
  }
}
