/**
 * `SubstituteSource`: where paths may be fetched from. A binary cache is one, and so is any other
 * store: a daemon, a host behind ssh, a folder (`PeerSource`).
 */

import type { Activity } from '#base';
import type { NarInfo, StorePath } from '#formats';
import type { AblePeer } from '../remote/peer.ts';
import type { Realisation } from '../store.ts';

export interface SubstituteSource {
  readonly name: string;
  /** The smallest is asked first. */
  readonly priority: number;
  /** What it says needs no signature. */
  readonly trusted: boolean;
  /** Whether it may be asked for many paths that nobody is going to fetch. */
  readonly wantsMassQuery: boolean;
  /** Logical. */
  readonly storeDirectory: string;
  /** What it says of the path; undefined if it has none. */
  narInfo(path: StorePath, signal?: AbortSignal): Promise<NarInfo | undefined>;
  /** The path that an output was built to, if it knows; who believes it is for the asker. */
  realisation(drvPath: StorePath, output: string, signal?: AbortSignal): Promise<Realisation | undefined>;
  /** The NAR, unpacked; `activity` advances by what arrives. */
  nar(info: NarInfo, signal?: AbortSignal, activity?: Activity): AsyncIterable<Uint8Array>;
  /** To be called when what it said has turned out wrong: it is asked again. */
  forget(path: StorePath): void;
  close?(): void | Promise<void>;
}

export interface PeerSourceOptions {
  readonly priority?: number | undefined;
  readonly trusted?: boolean;
  readonly wantsMassQuery?: boolean;
}

export class PeerSource implements SubstituteSource {
  readonly name: string;
  readonly priority: number;
  readonly trusted: boolean;
  readonly wantsMassQuery: boolean;
  readonly storeDirectory: string;
  readonly #peer: AblePeer;

  constructor(peer: AblePeer, { priority = 0, trusted = false, wantsMassQuery = false }: PeerSourceOptions = {}) {
    this.#peer = peer;
    this.name = peer.name;
    this.storeDirectory = peer.storeDirectory;
    this.priority = priority;
    this.trusted = trusted;
    this.wantsMassQuery = wantsMassQuery;
  }

  async narInfo(path: StorePath): Promise<NarInfo | undefined> {
    const info = (await this.#peer.queryPathInfos([path])).get(path);
    return info === undefined ? undefined : { ...info, url: '', compression: 'none' };
  }

  async realisation(drvPath: StorePath, output: string): Promise<Realisation | undefined> {
    return this.#peer.queryRealisation?.(drvPath, output);
  }

  async *nar(info: NarInfo, signal?: AbortSignal, activity?: Activity): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of this.#peer.narOf(info.path)) {
      signal?.throwIfAborted();
      activity?.advance(piece.length);
      yield piece;
    }
  }

  forget(): void {
    // Nothing is kept of what it said.
  }

  close(): void | Promise<void> {
    return this.#peer.close();
  }
}
