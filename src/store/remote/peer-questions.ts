/**
 * What a `PeerStore` asks its peer while it waits: all that answers with plain values, which can go
 * from one thread to another. Archives go through files.
 */

import { createReadStream } from 'node:fs';
import { NarReader, type StorePath } from '#formats';
import { bytePath, deleteTree, TreeRestorer } from '../file-tree.ts';
import type { Realisation, ValidPathInfo } from '../store.ts';
import { operationUnsupported } from './errors.ts';
import type { AblePeer, PeerAbilities } from './peer.ts';

/** An archive that lies in a file. */
export interface FiledPath {
  readonly info: ValidPathInfo;
  readonly file: string;
  /** Where in the file it begins; its length is its NAR's. */
  readonly offset: number;
}

/** The answers; each throws UNSUPPORTED_BY_STORE where the peer has no words for the question. */
export interface PeerQuestions {
  infos(paths: readonly StorePath[]): Promise<Map<StorePath, ValidPathInfo>>;
  allValidPaths(): Promise<StorePath[]>;
  referrers(path: StorePath): Promise<StorePath[]>;
  derivers(path: StorePath): Promise<StorePath[]>;
  /** Undefined if the peer leaves it to the asker. */
  outputs(drvPath: StorePath): Promise<Map<string, StorePath | undefined> | undefined>;
  pathFromHashPart(hashPart: string): Promise<StorePath | undefined>;
  realisation(drvPath: StorePath, output: string): Promise<Realisation | undefined>;
  registerRealisations(realisations: readonly Realisation[]): Promise<void>;
  addSignatures(path: StorePath, signatures: readonly string[]): Promise<void>;
  addTemporaryRoot(path: StorePath): Promise<void>;
  addIndirectRoot(link: string): Promise<void>;
  /** Unpacks the path's archive to where nothing stands. */
  unpack(path: StorePath, place: string): Promise<void>;
  addFiled(paths: readonly FiledPath[]): Promise<void>;
  close(): Promise<void>;
}

export function answerer(peer: AblePeer): PeerQuestions {
  const able = <Name extends keyof PeerAbilities>(ability: Name): PeerAbilities[Name] => {
    const found = peer[ability];
    if (found === undefined) throw operationUnsupported(peer.name, ability);
    return found.bind(peer) as PeerAbilities[Name];
  };
  return {
    infos: (paths) => peer.queryPathInfos(paths),
    allValidPaths: async () => able('queryAllValidPaths')(),
    referrers: async (path) => able('queryReferrers')(path),
    derivers: async (path) => able('queryDerivers')(path),
    outputs: async (drvPath) => peer.queryDerivationOutputs?.(drvPath),
    pathFromHashPart: async (hashPart) => able('queryPathFromHashPart')(hashPart),
    realisation: async (drvPath, output) => peer.queryRealisation?.(drvPath, output),
    async registerRealisations(realisations) {
      for (const one of realisations) await able('registerRealisation')(one);
    },
    addSignatures: async (path, signatures) => able('addSignatures')(path, signatures),
    addTemporaryRoot: async (path) => peer.addTemporaryRoot?.(path),
    addIndirectRoot: async (link) => able('addIndirectRoot')(link),
    async unpack(path, place) {
      const restorer = new TreeRestorer(bytePath(place));
      const reader = new NarReader(restorer);
      try {
        for await (const piece of peer.narOf(path)) reader.write(piece);
        reader.end();
      } catch (error) {
        restorer.abandon();
        deleteTree(bytePath(place));
        throw error;
      }
    },
    addFiled: (paths) => peer.addPaths(paths.map(({ info, file, offset }) => ({
      info, nar: () => createReadStream(file, { start: offset, end: offset + info.narSizeBytes - 1 }),
    })), { withoutSignatures: true }),
    async close() {
      await peer.close();
    },
  };
}
