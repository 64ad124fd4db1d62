/**
 * `BuildEngine`: builds in a store that is not ours, a daemon's or one behind ssh, what was
 * evaluated here.
 *
 * Derivations and sources are written to a store of the user's own first, as the evaluation goes;
 * when something is to be built, those that it needs are copied over, and the other end builds them
 * with its own builders and caches. Nothing comes back but for imports from derivations.
 */

import { symlinkSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { noProgress, type Progress } from '#base';
import type { Realised, Wanted } from '#build';
import { knownOutputPath, type StorePath } from '#formats';
import {
  copyPaths, DaemonPeer, failureCode, LocalPeer, succeeded, type BuildPeer, type Buildable, type LocalStore, type MissingPaths,
} from '#store';
import { builtElsewhereFailed, notQueriedElsewhere, outputNotKnown } from './errors.ts';

export interface BuildEngineOptions {
  readonly peer: BuildPeer;
  /** Where the other store's files stand, if that is on this machine. */
  readonly root: string | undefined;
  readonly mode?: 'normal' | 'check' | 'repair';
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export class BuildEngine {
  readonly #options: BuildEngineOptions;

  constructor(options: BuildEngineOptions) {
    this.#options = options;
  }

  /** Makes outputs and paths valid there. Throws BUILD_FAILED with what the other end says. */
  async realise(store: LocalStore, wanted: readonly Wanted[]): Promise<Realised> {
    const { peer, mode = 'normal', signal } = this.#options;
    await this.#send(store, wanted);
    const results = await peer.buildPaths(wanted satisfies readonly Buildable[], {
      mode, ...(signal === undefined ? {} : { signal }),
    });
    const failures = results.flatMap((result, index) => (succeeded(result) ? [] : [
      builtElsewhereFailed(
        wantedPath(wanted[index]), peer.name, result.message || result.status, failureCode(result))]));
    const [failure] = failures;
    if (failures.length > 1) {
      const { buildsFailed, nameOfWanted } = await import('#build');
      for (const { message } of failures) (this.#options.progress ?? noProgress).message('error', message);
      throw buildsFailed(wanted.filter((_, index) => !succeeded(results[index]!)).map(nameOfWanted), failures);
    }
    if (failure !== undefined) throw failure;
    const realised: Realised = new Map();
    for (const [index, one] of wanted.entries()) {
      if (!('drvPath' in one)) continue;
      const known = store.readDerivation(one.drvPath).outputs;
      const outputs = realised.get(one.drvPath) ?? new Map<string, StorePath>();
      for (const name of one.outputs ?? known.keys()) {
        const output = known.get(name);
        const path = (output === undefined ? undefined : knownOutputPath(output)) ?? results[index]?.outputs.get(name)
          ?? await this.#builtTo(one.drvPath, name);
        if (path === undefined) throw outputNotKnown(one.drvPath, name, peer.name);
        outputs.set(name, path);
      }
      realised.set(one.drvPath, outputs);
    }
    return realised;
  }

  /** For other ends whose results do not tell it. */
  async #builtTo(drvPath: StorePath, output: string): Promise<StorePath | undefined> {
    const { peer } = this.#options;
    return peer instanceof DaemonPeer ? (await peer.queryDerivationOutputs(drvPath)).get(output) : undefined;
  }

  /** As `realise`, and brings the outputs here, so that they can be read. */
  async realiseHere(store: LocalStore, wanted: readonly Wanted[]): Promise<Realised> {
    const realised = await this.realise(store, wanted);
    const paths = wanted.flatMap((one) => ('path' in one ? [one.path] : [...realised.get(one.drvPath)?.values() ?? []]));
    await copyPaths(this.#options.peer, new LocalPeer(store), paths, this.#copying);
    return realised;
  }

  /** What would be built and fetched there. */
  async queryMissing(store: LocalStore, wanted: readonly Wanted[]): Promise<MissingPaths> {
    const { peer } = this.#options;
    await this.#send(store, wanted);
    if (!(peer instanceof DaemonPeer)) throw notQueriedElsewhere(peer.name);
    return peer.queryMissing(wanted);
  }

  /** Copies derivations with all they need to where they are to be built. */
  async send(store: LocalStore, drvPaths: readonly StorePath[]): Promise<void> {
    await copyPaths(new LocalPeer(store), this.#options.peer, drvPaths, this.#copying);
  }

  /** Makes a link to a path there, which keeps it; nothing where the files are on another machine. */
  async addRoot(link: string, path: StorePath): Promise<boolean> {
    const { peer, root } = this.#options;
    if (root === undefined || !(peer instanceof DaemonPeer)) return false;
    const temporary = `${link}.${process.pid}.tmp`;
    mkdirSync(dirname(link), { recursive: true });
    // The logical name: by another the daemon would not know what the link keeps.
    symlinkSync(path, temporary);
    renameSync(temporary, link);
    await peer.addIndirectRoot(link);
    return true;
  }

  async close(): Promise<void> {
    await this.#options.peer.close();
  }

  async #send(store: LocalStore, wanted: readonly Wanted[]): Promise<void> {
    const drvPaths = wanted.flatMap((one) => ('drvPath' in one ? [one.drvPath] : []));
    const elsewhere = drvPaths.filter((path) => !store.isValidPath(path));
    if (elsewhere.length > 0) await copyPaths(this.#options.peer, new LocalPeer(store), elsewhere, this.#copying);
    const sources = wanted.flatMap((one) => ('path' in one && store.isValidPath(one.path) ? [one.path] : []));
    await this.send(store, [...drvPaths.filter((path) => !elsewhere.includes(path)), ...sources]);
  }

  get #copying() {
    const { progress = noProgress, signal } = this.#options;
    return { progress, withoutSignatures: true, ...(signal === undefined ? {} : { signal }) };
  }
}

function wantedPath(one: Wanted | undefined): string {
  if (one === undefined) return 'unknown';
  return 'path' in one ? one.path : one.drvPath;
}
