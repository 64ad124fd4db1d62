/**
 * The workspace of one command: a store, the archive's channel, builders, and the evaluator with
 * all of them at its service.
 *
 * What costs something is opened at its first use: an expression that needs no channel downloads
 * none, one that builds nothing starts no thread.
 */

import { join } from 'node:path';
import { decodeUtf8, encodeUtf8, noProgress, type Progress } from '#base';
import {
  BuiltinRunner, buildResolved, buildSettings, parseMachines, RemoteBuilder, realise, repairClosure, repairPath, sandboxFromSettings, type Builder, type Realised,
  type RealiseOptions, type Substituter, type Wanted,
} from '#build';
import { chooseMirrors, ensureChannel, type Channel, type Mirrors } from '#debian';
import {
  downstreamPlaceholder, dynamicPlaceholder, parseBuiltElement, splitStorePath, type Derivation, type DynamicUse, type StorePath,
} from '#formats';
import {
  cacheOptions, certificatesFile, fetchSearchPathEntry, fetchToStore, flakeTask, hostSystem, readSettings, runEvaluation, substituterOf,
  type ChosenStore, type Environment, type EvaluationServices, type FetchOptions,
  type FlakeTaskResult, type NixSettings, type RegistryEntry,
} from '#host';
import type { FetchAttribute } from '#runtime';
import { copyPaths, LayeredStore, LocalPeer, LocalStore, PeerStore, type CacheSubstituter } from '#store';
import type { BuildEngine } from './build-engine.ts';
import { derivationNotMade, unknownContextElement } from './errors.ts';

export interface WorkspaceOptions {
  readonly environment: Environment;
  readonly workingDirectory: string;
  readonly store: ChosenStore;
  readonly cacheDirectory: string;
  /** The lock file that pins the Debian archive; made at first use. */
  readonly lockPath: string;
  /** The user's choice of a mirror. */
  readonly mirror?: string | undefined;
  /** Settings of nix.conf from flags, in order. */
  readonly settingOverrides?: readonly (readonly [name: string, value: string])[];
  /** Operands of `-I`. */
  readonly includes?: readonly string[];
  /** How many builds at once. */
  readonly jobs: number;
  /** How many threads one build may keep busy. */
  readonly cores: number;
  readonly keepGoing?: boolean;
  /** What is built goes to a store that is not `store`, or is built there. */
  readonly elsewhere?: Elsewhere | undefined;
  /** What starts this program again, to build in other stores of this machine. */
  readonly program?: readonly string[];
  /** Whether what is wanted and valid is built again and compared, or repaired. */
  readonly mode?: 'normal' | 'check' | 'repair';
  readonly color?: boolean;
  /** What names of flakes stand for, before any registry is asked. */
  readonly registryOverrides?: readonly RegistryEntry[];
  /** Flakes whose inputs are such names too. */
  readonly inputsFrom?: readonly string[];
  /** Says which settings of a flake are to hold; without it none but the harmless ones. */
  readonly trustSettings?: TrustSettings;
  /** The tree whose files are not the user's own: errors are then rendered briefly. */
  readonly treeRoot?: string | undefined;
  /** Evaluations stop where they fail or the program says so. */
  readonly debugger?: EvaluationDebugger | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What a debugger adds to the services. */
export interface EvaluationDebugger extends Required<Pick<EvaluationServices, 'converse' | 'debugger'>> {
  close(): void;
}

/** Another store than the one that evaluations write to. */
export interface Elsewhere {
  readonly store: LocalStore | PeerStore;
  /** Builds there; without one our own builders do, and the results go there. */
  readonly engine?: BuildEngine | undefined;
}

export interface EvaluateOptions {
  /** Receives what the task prints. */
  readonly onOutput?: (bytes: Uint8Array) => void;
  /** Says nothing of what it does; errors are thrown all the same. */
  readonly quiet?: boolean;
  /** Settings of the command itself; those of flags stand above them. */
  readonly settingOverrides?: readonly (readonly [name: string, value: string])[];
  /** Whether pure evaluation may look up `<debian>`, which the lock file pins. */
  readonly archiveInPure?: boolean;
}

/** Of the settings that a flake names, those that are to hold. */
export type TrustSettings = (
  config: ReadonlyMap<string, string>, settings: NixSettings,
) => ReadonlyMap<string, string>;

/** What `<debian>` stands for in the search path until it is needed. */
const channelEntry = 'firn:debian';

export class Workspace {
  readonly #options: WorkspaceOptions;
  readonly #progress: Progress;
  readonly #mirrors: Mirrors;
  #store: LocalStore | undefined;
  #layered: LayeredStore | undefined;
  #channel: Promise<Channel> | undefined;
  #runner: BuiltinRunner | undefined;
  #sandbox: Builder | undefined;
  #remote: readonly Builder[] | undefined;
  #substituters: readonly CacheSubstituter[] | undefined;
  readonly #flakeSettings: (readonly [name: string, value: string])[] = [];
  #inputNames: RegistryEntry[] | undefined;
  #isNaming = false;

  constructor(options: WorkspaceOptions) {
    this.#options = options;
    this.#progress = options.progress ?? noProgress;
    this.#mirrors = chooseMirrors({ mirror: options.mirror });
  }

  get store(): LocalStore {
    this.#store ??= new LocalStore({
      ...this.#options.store, autoOptimise: this.settings.flag('auto-optimise-store', false),
    });
    return this.#store;
  }

  /** Where what is built goes. */
  get target(): LocalStore | PeerStore {
    return this.#options.elsewhere?.store ?? this.store;
  }

  /** Whether what is there already is built again. */
  get rebuilds(): boolean {
    return this.#options.mode === 'check' || this.#options.mode === 'repair';
  }

  /** What builds elsewhere, if something does. */
  get engine(): BuildEngine | undefined {
    return this.#options.elsewhere?.engine;
  }

  /** The store that goals work with: where the results go, with the derivations that were evaluated. */
  get goalStore(): LocalStore | LayeredStore {
    if (this.#options.elsewhere === undefined) return this.store;
    return this.#layered ??= new LayeredStore(this.target, this.store);
  }

  /** The store of ours that is built in or, if that is none, evaluated into. */
  get #ownStore(): LocalStore {
    return this.target instanceof LocalStore ? this.target : this.store;
  }

  /** The channel that the lock file names; both are made if they are not there. */
  channel(): Promise<Channel> {
    this.#channel ??= this.#openChannel();
    return this.#channel;
  }

  /** The binary caches that the settings name, as one; none where they name none. */
  get substituters(): readonly CacheSubstituter[] {
    if (this.#substituters === undefined) {
      const { environment, cacheDirectory } = this.#options;
      const found = substituterOf(this.settings, environment, cacheDirectory);
      this.#substituters = found === undefined ? [] : [found];
    }
    return this.#substituters;
  }

  /** Runs a task in the evaluator's thread. */
  evaluate<Result>(
    task: URL,
    input: unknown,
    more: EvaluateOptions = {},
  ): Promise<Result> {
    const options = this.#options;
    const { onOutput, quiet = false, settingOverrides = [] } = more;
    return runEvaluation<Result>({
      task,
      input,
      environment: options.environment,
      settingOverrides: [...settingOverrides, ...this.#overrides],
      includes: options.includes ?? [],
      lastEntries: [{ prefix: 'debian', path: channelEntry, pinned: more.archiveInPure === true }],
      workingDirectory: options.workingDirectory,
      store: options.store,
      cacheDirectory: options.cacheDirectory,
      color: options.color ?? false,
      treeRoot: options.treeRoot,
      progress: quiet ? noProgress : this.#progress,
      services: { ...this.services, ...options.debugger },
      ...(onOutput === undefined ? {} : { onOutput }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  }

  /** What an evaluation may ask for while it waits. */
  readonly services: EvaluationServices = {
    resolveSearchPathEntry: async (entry) =>
      entry === channelEntry
        ? (await this.channel()).path
        : fetchSearchPathEntry(entry, this.fetchOptions()),
    realise: (elements) => this.#realiseElements(elements),
    fetch: async (kind, attributes) => {
      if (kind === 'flakeConfig') return { storePath: '', attributes: this.#applyConfig(attributes) };
      const options = this.fetchOptions();
      if (kind !== 'resolveInput') return fetchToStore(kind, attributes, options);
      return fetchToStore(kind, attributes, { ...options, registryOverrides: await this.#overriddenNames() });
    },
  };

  /** The settings that this command's flags and flakes make. */
  get settings(): NixSettings {
    return readSettings({ environment: this.#options.environment, overrides: this.#overrides });
  }

  get #overrides(): readonly (readonly [name: string, value: string])[] {
    return [...this.#options.settingOverrides ?? [], ...this.#flakeSettings];
  }

  /** Gives those of a flake's settings that are trusted force from now on, and returns them. */
  #applyConfig(attributes: ReadonlyMap<string, FetchAttribute>): ReadonlyMap<string, string> {
    const config = new Map([...attributes].map(([name, value]) => [decodeUtf8(name), decodeUtf8(String(value))]));
    const trusted = this.#options.trustSettings?.(config, this.settings) ?? new Map<string, string>();
    this.#flakeSettings.push(...trusted);
    // What was opened by the old ones is opened again when it is needed.
    if (trusted.size > 0) this.#substituters = this.#sandbox = this.#remote = undefined;
    return new Map([...trusted].map(([name, value]) => [encodeUtf8(name), encodeUtf8(value)]));
  }

  /** What flags say that names stand for; flakes whose inputs are meant are locked when first asked. */
  async #overriddenNames(): Promise<readonly RegistryEntry[]> {
    const { registryOverrides = [], inputsFrom = [] } = this.#options;
    if (this.#isNaming) return registryOverrides;
    if (this.#inputNames === undefined) {
      // The flakes themselves are found without the names that their inputs make.
      this.#isNaming = true;
      this.#inputNames = [];
      for (const flake of inputsFrom) {
        const input = { reference: encodeUtf8(flake), lock: { mayWrite: false }, action: { kind: 'inputs' } } as const;
        this.#inputNames.push(...(await this.evaluate<FlakeTaskResult>(flakeTask, input)).inputs ?? []);
      }
      this.#isNaming = false;
    }
    return [...registryOverrides, ...this.#inputNames];
  }

  /**
   * Makes outputs and paths valid, and builds again or repairs what is valid if the workspace was
   * opened for that; throws `UserError` when a build fails.
   */
  async realise(wanted: readonly Wanted[]): Promise<Realised> {
    const { mode = 'normal' } = this.#options;
    const { engine } = this;
    if (engine !== undefined) return engine.realise(this.store, wanted);
    const options = await this.#realiseOptions();
    const check = { keepDifferent: this.settings.flag('keep-failed', false), diffHook: this.#diffHook() };
    const realised = await realise(this.goalStore, wanted, mode === 'check' ? { ...options, check } : options);
    if (mode === 'repair') {
      await repairClosure(this.#ownStore, realisedPaths(wanted, realised), options);
    }
    return realised;
  }

  /**
   * Makes the derivation that is the last output of a chain of derivations, each an output of the
   * one before; gives its path.
   */
  async realiseChain({ drvPath, chain }: DynamicUse): Promise<StorePath> {
    let path = drvPath;
    for (const output of chain) {
      try {
        path = (await this.realise([{ drvPath: path, outputs: [output] }])).get(path)?.get(output) as StorePath;
      } catch (error) {
        throw derivationNotMade([drvPath, ...chain].join('^'), error);
      }
    }
    return path;
  }

  /** Gives a path, damaged or gone, its content again. */
  async repair(path: StorePath): Promise<void> {
    await repairPath(this.#ownStore, path, await this.#realiseOptions());
  }

  /** Builds a derivation that is given, whose inputs are all valid paths; gives its outputs. */
  async buildResolved(drvPath: StorePath, derivation: Derivation): Promise<ReadonlyMap<string, StorePath>> {
    return buildResolved(this.goalStore, drvPath, derivation, await this.#realiseOptions());
  }

  async #realiseOptions(): Promise<RealiseOptions> {
    const options = this.#options;
    this.#runner ??= await this.#startRunner();
    return {
      builders: [
        this.#runner, ...this.#remoteBuilders(),
        // No jobs at all means that other machines build; files of other stores are not at hand.
        ...(options.jobs > 0 && this.target instanceof LocalStore ? [this.#sandbox ??= this.#makeSandbox()] : []),
      ],
      substituters: [...this.#evaluated(), ...this.substituters],
      jobs: options.jobs,
      cores: options.cores,
      keepGoing: options.keepGoing ?? false,
      progress: this.#progress,
      logDirectory: join(this.#ownStore.location.logDirectory, 'drvs'),
      ...buildSettings(this.settings, { store: this.#ownStore, environment: options.environment, progress: this.#progress }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
  }

  #diffHook(): string | undefined {
    return this.settings.flag('run-diff-hook', false) ? this.settings.text('diff-hook') || undefined : undefined;
  }

  /** Ends the threads and closes the store. */
  async close(): Promise<void> {
    this.#options.debugger?.close();
    await this.engine?.close();
    await this.#runner?.close();
    for (const substituter of this.#substituters ?? []) substituter.close();
    this.#options.elsewhere?.store.close();
    this.#store?.close();
  }

  /** Sources that an evaluation has written to another store than the one that is built in. */
  #evaluated(): Substituter[] {
    const store = this.goalStore;
    return store instanceof LocalStore ? []
      : [{ name: 'what was evaluated', substitute: async (path) => store.bring(path) }];
  }

  /** What fetchers work with. */
  fetchOptions(): FetchOptions {
    const { cacheDirectory, environment, signal } = this.#options;
    const { settings } = this;
    return {
      store: this.store, cacheDirectory, settings, environment, progress: this.#progress,
      substitute: (path) => this.#substitute(path),
      cacheOptions: (urls) => cacheOptions(settings, environment, cacheDirectory, urls),
      ...(signal === undefined ? {} : { signal }),
    };
  }

  async #substitute(path: StorePath): Promise<boolean> {
    for (const substituter of this.substituters) {
      if (await substituter.substitute(path, this.store, { progress: this.#progress })) return true;
    }
    return false;
  }

  async #openChannel(): Promise<Channel> {
    const channel = await ensureChannel(this.#options.lockPath, {
      mirrors: this.#mirrors,
      cacheDirectory: this.#options.cacheDirectory,
      progress: this.#progress,
      signal: this.#options.signal,
    });
    if (channel.lockMade) {
      this.#progress.message('notice', `pinned the archive's state in ${this.#options.lockPath}`);
    }
    return channel;
  }

  async #startRunner(): Promise<BuiltinRunner> {
    // The dates of the pinned archive say where in the snapshot archive a dropped file is.
    const lock = this.#channel === undefined ? undefined : (await this.#channel).lock;
    return new BuiltinRunner({
      mirrors: this.#mirrors,
      snapshotDates: lock === undefined ? [] : Object.values(lock.suites).map((suite) => suite.date),
      cacheDirectory: this.#options.cacheDirectory,
      threads: Math.max(1, this.#options.cores),
      download: { certificatesFile: certificatesFile(this.settings, this.#options.environment) },
    });
  }

  /** The machines that the setting `builders` names, as one builder. */
  #remoteBuilders(): readonly Builder[] {
    if (this.#remote === undefined) {
      const { environment } = this.#options;
      const { settings } = this;
      const file = join(environment['NIX_CONF_DIR'] ?? '/etc/nix', 'machines');
      const machines = parseMachines(settings.text('builders') ?? `@${file}`, settings.text('system') || hostSystem());
      this.#remote = machines.length === 0 ? [] : [new RemoteBuilder({
        machines, stateDirectory: this.#ownStore.stateDirectory, environment, progress: this.#progress,
        useSubstitutes: settings.flag('builders-use-substitutes', false),
        maxSilentSeconds: settings.number('max-silent-time', 0), timeoutSeconds: settings.number('timeout', 0),
        keepFailed: settings.flag('keep-failed', false), program: this.#options.program ?? [],
        storeDirectory: this.store.storeDirectory,
      })];
    }
    return this.#remote;
  }

  #makeSandbox(): Builder {
    const { environment } = this.#options;
    return sandboxFromSettings(this.settings, {
      system: hostSystem(),
      environment,
      keptDirectory: join(this.#ownStore.stateDirectory, 'builds'),
      certificatesFile: certificatesFile(this.settings, environment),
    });
  }

  /** Brings what was evaluated to the store that is meant, if that is behind a connection or a cache. */
  async publish(paths: readonly StorePath[]): Promise<void> {
    const { target } = this;
    if (!(target instanceof PeerStore) || paths.length === 0) return;
    await copyPaths(new LocalPeer(this.store), target.peer, paths, { progress: this.#progress, withoutSignatures: true });
  }

  /** As `realise`, and brings what was made to the store that evaluations write to: they can refer to it. */
  async realiseHere(wanted: readonly Wanted[]): Promise<Realised> {
    const realised = await this.realise(wanted);
    if (this.target !== this.store) await this.#copyBack(realisedPaths(wanted, realised));
    return realised;
  }

  /** Makes what was built readable where the evaluation reads: unless it stands at its own name. */
  async #bringBack(paths: readonly StorePath[]): Promise<void> {
    const { target, store } = this;
    if (target === store || (target instanceof LocalStore && target.physicalStoreDirectory === target.storeDirectory)) return;
    await this.#copyBack(paths);
  }

  async #copyBack(paths: readonly StorePath[]): Promise<void> {
    await copyPaths(new LocalPeer(this.target), new LocalPeer(this.store), paths, {
      progress: this.#progress, withoutSignatures: true,
    });
  }

  /** Import from derivation: makes what a string's context names readable. */
  async #realiseElements(elements: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const placeholders = new Map<string, string>();
    for (const use of elements.filter((one) => one.startsWith('!')).map(parseBuiltElement)) {
      if (use.chain.length > 1) placeholders.set(dynamicPlaceholder(use), await this.realiseChain(use));
    }
    const wanted = elements.filter((one) => !one.startsWith('!') || parseBuiltElement(one).chain.length === 1)
      .map((element) => wantedBy(element, this.store.storeDirectory));
    const { engine } = this;
    const realised = engine === undefined ? await realise(this.goalStore, wanted, await this.#realiseOptions())
      : await engine.realiseHere(this.store, wanted);
    if (engine === undefined) await this.#bringBack(realisedPaths(wanted, realised));
    for (const one of wanted) {
      if (!('drvPath' in one)) continue;
      for (const [name, path] of realised.get(one.drvPath) ?? []) {
        placeholders.set(downstreamPlaceholder(one.drvPath, name), path);
      }
    }
    return placeholders;
  }
}

function realisedPaths(wanted: readonly Wanted[], realised: Realised): StorePath[] {
  return wanted.flatMap((one) => ('path' in one ? [one.path] : [...realised.get(one.drvPath)?.values() ?? []]));
}

/** A context element: a path, `!output!drvPath`, or `=drvPath`. */
function wantedBy(element: string, storeDirectory: string): Wanted {
  const built = /^!([^!]+)!(.+)$/.exec(element);
  if (built !== null) return { drvPath: built[2] as StorePath, outputs: [built[1] as string] };
  const path = element.replace(/^=/, '');
  const split = splitStorePath(path, storeDirectory);
  if (split === undefined) throw unknownContextElement(element);
  return { path: split.storePath };
}
