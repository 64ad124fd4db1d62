/**
 * `recursive-nix`: a builder that may call Nix itself speaks with us over a socket in its folder,
 * by the protocol of Nix's daemon.
 *
 * It sees its inputs, what it adds and what it has built, and nothing else of the store; what it
 * gets so counts among what its outputs may refer to. It is not trusted: it can add only what is
 * named by its content. What it has built has its own places, so that it never waits for its own.
 *
 * *Invariant:* when `close` has ended, nobody works for the builder any more.
 */
import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { UserError } from '#base';
import { knownOutputPath, type PathInfo, type StorePath } from '#formats';
import {
  isNamedByContent, plainResult, RestrictedStore, serveDaemon, streamChannel, withSocketName, type Buildable,
  type BuildResult, type MissingPaths, type StoreService,
} from '#store';
import type { BuildRequest } from '../builder.ts';
import type { DerivationOptions } from '../derivation-options.ts';
import { nestedNotAllowed } from './errors.ts';

/** Below the build folder. */
export const nestedSocket = '.nix-socket';

export function mayNest(options: DerivationOptions): boolean {
  return options.requiredFeatures.includes('recursive-nix');
}

export interface NestedNix {
  close(): Promise<void>;
}

/** Listens in `folder`; `show` brings each path that the builder gets before its eyes. */
export async function serveNested(
  request: BuildRequest, folder: string, show: (path: StorePath) => Promise<void>,
): Promise<NestedNix> {
  const store = new NestedStore(request, show);
  const service = new NestedService(store, request);
  const stop = new AbortController();
  const sessions = new Set<Promise<void>>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const session = serveDaemon(streamChannel('builder', socket, socket), service, { trusted: false, signal: stop.signal })
      .catch((error: Error) => request.progress.message('debug', error.message))
      .finally(() => {
        sockets.delete(socket);
        sessions.delete(session);
        socket.destroySoon();
      });
    sessions.add(session);
  });
  await listenIn(server, folder);
  return {
    async close() {
      server.close();
      stop.abort(new Error('the builder has ended'));
      for (const socket of sockets) socket.destroy();
      await Promise.allSettled(sessions);
    },
  };
}

async function listenIn(server: Server, folder: string): Promise<void> {
  const path = join(folder, nestedSocket);
  await withSocketName(path, (name) => new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(name, resolve);
  }));
  // The folder is the builder's alone, who need not be the user that we are.
  chmodSync(path, 0o666);
}

/** Tells the build of each path that comes to be seen. */
class NestedStore extends RestrictedStore {
  readonly #request: BuildRequest;
  readonly #show: (path: StorePath) => Promise<void>;
  readonly #shown = new Map<StorePath, Promise<void>>();

  constructor(request: BuildRequest, show: (path: StorePath) => Promise<void>) {
    super(request.store, request.inputPaths);
    this.#request = request;
    this.#show = show;
  }

  override admit(path: StorePath): void {
    super.admit(path);
    if (!this.added.has(path) || this.#shown.has(path)) return;
    this.#request.nested.added.add(path);
    const shown = this.#show(path);
    shown.catch(() => {});
    this.#shown.set(path, shown);
  }

  /** Waits until all that was admitted is before the builder's eyes. */
  override async flush(): Promise<void> {
    await super.flush();
    await Promise.all(this.#shown.values());
  }
}

class NestedService implements StoreService {
  readonly store: NestedStore;
  readonly version = 'nested';
  readonly #request: BuildRequest;

  constructor(store: NestedStore, request: BuildRequest) {
    this.store = store;
    this.#request = request;
  }

  async buildPaths(wanted: readonly Buildable[]): Promise<BuildResult[]> {
    for (const one of wanted) {
      const path = 'path' in one ? one.path : one.drvPath;
      if (!this.store.admits(path)) throw nestedNotAllowed('build', path);
    }
    try {
      const realised = await this.#request.nested.realise(wanted);
      const results = wanted.map((one) => ('path' in one ? new Map<string, StorePath>()
        : realised.get(one.drvPath) ?? new Map<string, StorePath>()));
      const made = results.flatMap((outputs) => [...outputs.values()]);
      for (const path of this.#request.store.closureOf(made)) this.store.admit(path);
      await this.store.flush();
      return results.map((outputs) => ({ ...plainResult('built'), outputs }));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return wanted.map(() => plainResult('permanent-failure', error.message));
    }
  }

  buildDerivation(): Promise<BuildResult> {
    throw nestedNotAllowed('build', 'a derivation that is not in the store');
  }

  /** All that is seen is there. */
  async substitute(): Promise<void> {}

  queryMissing(wanted: readonly Buildable[]): Promise<MissingPaths> {
    const willBuild: StorePath[] = [];
    const unknown: StorePath[] = [];
    for (const one of wanted) {
      if ('path' in one) {
        if (!this.store.isValidPath(one.path)) unknown.push(one.path);
      } else if (!this.store.isValidPath(one.drvPath)) {
        unknown.push(one.drvPath);
      } else if (!this.#isMade(one.drvPath, one.outputs)) {
        willBuild.push(one.drvPath);
      }
    }
    return Promise.resolve({ willBuild, willSubstitute: [], unknown, downloadBytes: 0, narBytes: 0 });
  }

  /** What names itself; no signature counts. */
  believes(info: PathInfo): boolean {
    return isNamedByContent(info, this.store.storeDirectory);
  }

  addBuildLog(): Promise<void> {
    throw nestedNotAllowed('keep the log of', 'anything');
  }

  #isMade(drvPath: StorePath, names: readonly string[] | undefined): boolean {
    const { outputs } = this.store.readDerivation(drvPath);
    const built = this.store.queryDerivationOutputs(drvPath);
    return (names ?? [...outputs.keys()]).every((name) => {
      const output = outputs.get(name);
      const path = (output === undefined ? undefined : knownOutputPath(output)) ?? built.get(name);
      return path !== undefined && this.#request.store.isValidPath(path);
    });
  }
}
