/**
 * What the servers of Nix's protocols ask for: builds, downloads and what they would be, made by a
 * workspace of its own for each request, with the settings that the client sent.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { concatBytes, UserError } from '#base';
import { baseNameOf, Bzip2Writer, knownOutputPath, type Derivation, type PathInfo, type StorePath } from '#formats';
import { readSettings } from '#host';
import {
  plainResult, Trust, type Buildable, type BuildResult, type BuildStatus, type LocalStore, type MissingPaths,
  type ServiceRequest, type StoreService,
} from '#store';
import { Workspace, type WorkspaceOptions } from './workspace.ts';

/** What a client may set; the rest is this machine's own. */
const clientSettings = new Set([
  'max-silent-time', 'timeout', 'max-build-log-size', 'keep-failed', 'keep-going', 'fallback', 'cores', 'substitute',
  'substituters', 'trusted-public-keys', 'require-sigs', 'connect-timeout', 'log-lines', 'impure-env',
]);

const statusOfCode: Readonly<Record<string, BuildStatus>> = {
  HASH_MISMATCH: 'output-rejected', OUTPUT_MISSING: 'output-rejected', REFERENCES_NOT_ALLOWED: 'output-rejected',
  OUTPUT_TOO_LARGE: 'output-rejected', FIXED_OUTPUT_NOT_PLAIN: 'output-rejected',
  BUILDER_TIMED_OUT: 'timed-out', NOT_DETERMINISTIC: 'not-deterministic', PATH_NOT_VALID: 'input-rejected',
  BUILD_LOG_TOO_LONG: 'log-limit-exceeded', BUILDER_FAILED_FOR_NOW: 'transient-failure',
};

export class WorkspaceService implements StoreService {
  readonly store: LocalStore;
  readonly local: LocalStore;
  readonly version: string;
  readonly #options: WorkspaceOptions;
  readonly #trust: Trust;

  constructor(store: LocalStore, options: WorkspaceOptions, version: string) {
    this.store = this.local = store;
    this.version = version;
    this.#options = options;
    const settings = readSettings({ environment: options.environment, overrides: options.settingOverrides ?? [] });
    this.#trust = new Trust({
      trustedKeys: settings.list('trusted-public-keys'), requireSignatures: settings.flag('require-sigs', true),
    });
  }

  async buildPaths(wanted: readonly Buildable[], request: ServiceRequest): Promise<BuildResult[]> {
    const before = wanted.map((one) => this.#isThere(one));
    return this.#inWorkspace(request, async (workspace) => {
      try {
        const realised = await workspace.realise(wanted.map((one) => ('path' in one ? { path: one.path } : one)));
        return wanted.map((one, index) => ({
          ...plainResult(before[index] === true ? 'already-valid' : 'path' in one ? 'substituted' : 'built'),
          outputs: 'path' in one ? new Map<string, StorePath>() : realised.get(one.drvPath) ?? new Map<string, StorePath>(),
        }));
      } catch (error) {
        const failure = resultOf(error, request.signal);
        // With --keep-going some of them may have been made.
        return wanted.map((one) => (this.#isThere(one) ? plainResult('built') : failure));
      }
    });
  }

  async buildDerivation(drvPath: StorePath, derivation: Derivation, request: ServiceRequest): Promise<BuildResult> {
    const outputs = [...derivation.outputs.values()].map(knownOutputPath);
    const valid = outputs.every((path) => path !== undefined && this.store.isValidPath(path));
    const startTime = Math.floor(Date.now() / 1000);
    return this.#inWorkspace(request, async (workspace) => {
      try {
        const made = await workspace.buildResolved(drvPath, derivation);
        return {
          ...plainResult(valid ? 'already-valid' : 'built'), timesBuilt: valid ? 0 : 1, outputs: made,
          startTime, stopTime: Math.floor(Date.now() / 1000),
        };
      } catch (error) {
        return resultOf(error, request.signal);
      }
    });
  }

  async substitute(paths: readonly StorePath[], request: ServiceRequest): Promise<void> {
    await this.#inWorkspace(request, async ({ substituters }) => {
      for (const path of paths) {
        for (const substituter of substituters) {
          if (await substituter.substitute(path, this.store, { progress: request.progress, signal: request.signal })) break;
        }
      }
    });
  }

  async queryMissing(wanted: readonly Buildable[]): Promise<MissingPaths> {
    const workspace = new Workspace(this.#options);
    try {
      const willBuild = new Set<StorePath>();
      const willSubstitute = new Map<StorePath, { download: number; nar: number }>();
      const unknown = new Set<StorePath>();
      const find = async (path: StorePath): Promise<boolean> => {
        const [caches] = workspace.substituters;
        const plan = await caches?.describe(path, this.store);
        for (const info of plan ?? []) {
          willSubstitute.set(info.path, { download: info.fileSizeBytes ?? 0, nar: info.narSizeBytes });
        }
        return plan !== undefined;
      };
      const left = [...wanted];
      const seen = new Set<StorePath>();
      for (let one = left.pop(); one !== undefined; one = left.pop()) {
        if (this.#isThere(one)) continue;
        if ('path' in one) {
          if (!(await find(one.path))) unknown.add(one.path);
          continue;
        }
        const { drvPath } = one;
        if (seen.has(drvPath)) continue;
        seen.add(drvPath);
        if (!this.store.isValidPath(drvPath)) {
          unknown.add(drvPath);
          continue;
        }
        const derivation = this.store.readDerivation(drvPath);
        const outputs = [...derivation.outputs.values()].map(knownOutputPath);
        const found = await Promise.all(outputs.map((path) =>
          path !== undefined && (this.store.isValidPath(path) || find(path))));
        if (found.every(Boolean)) continue;
        willBuild.add(drvPath);
        for (const [input, names] of derivation.inputDerivations) left.push({ drvPath: input, outputs: names });
        for (const path of derivation.inputSources) left.push({ path });
      }
      const sizes = [...willSubstitute.values()];
      return {
        willBuild: [...willBuild], willSubstitute: [...willSubstitute.keys()], unknown: [...unknown],
        downloadBytes: sizes.reduce((sum, size) => sum + size.download, 0),
        narBytes: sizes.reduce((sum, size) => sum + size.nar, 0),
      };
    } finally {
      await workspace.close();
    }
  }

  believes(info: PathInfo): boolean {
    return this.#trust.believes(info, this.store.storeDirectory);
  }

  async addBuildLog(drvPath: StorePath, log: Uint8Array): Promise<void> {
    writeLog(this.store, drvPath, log);
  }

  async #inWorkspace<T>(request: ServiceRequest, work: (workspace: Workspace) => Promise<T>): Promise<T> {
    const overrides = [...request.settings].filter(([name]) => clientSettings.has(name));
    const { settings } = request;
    const workspace = new Workspace({
      ...this.#options,
      settingOverrides: [...this.#options.settingOverrides ?? [], ...overrides],
      mode: request.mode, keepGoing: settings.get('keep-going') === 'true', progress: request.progress, signal: request.signal,
      cores: Number(settings.get('cores')) || this.#options.cores,
    });
    try {
      return await work(workspace);
    } finally {
      await workspace.close();
    }
  }

  #isThere(one: Buildable): boolean {
    if ('path' in one) return this.store.isValidPath(one.path);
    if (!this.store.isValidPath(one.drvPath)) return false;
    const { outputs } = this.store.readDerivation(one.drvPath);
    const built = this.store.queryDerivationOutputs(one.drvPath);
    return (one.outputs ?? [...outputs.keys()]).every((name) => {
      const output = outputs.get(name);
      const path = (output === undefined ? undefined : knownOutputPath(output)) ?? built.get(name);
      return path !== undefined && this.store.isValidPath(path);
    });
  }
}

/** Keeps the log of a build that happened elsewhere, packed as C++ Nix packs them. */
export function writeLog(store: LocalStore, drvPath: StorePath, log: Uint8Array): void {
  const name = baseNameOf(drvPath);
  const place = join(store.location.logDirectory, 'drvs', name.slice(0, 2), `${name.slice(2)}.bz2`);
  mkdirSync(dirname(place), { recursive: true });
  const writer = new Bzip2Writer();
  writeFileSync(place, concatBytes([...writer.write(log), ...writer.finish()]));
}

function resultOf(error: unknown, signal: AbortSignal): BuildResult {
  signal.throwIfAborted();
  if (!(error instanceof UserError)) throw error;
  const cause = error.cause instanceof UserError ? error.cause : error;
  return plainResult(statusOfCode[cause.code] ?? statusOfCode[error.code] ?? 'permanent-failure', error.message);
}
