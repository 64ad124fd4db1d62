/** What clients send to a daemon in frames: a tree or text to be added, or paths with their NARs. */

import { mkdtempSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byteString, concatBytes, parseHash, type HashAlgorithm } from '#base';
import { NarReader, parseContentAddress, parseMethodAlgorithm, type IngestionMethod, type StorePath } from '#formats';
import { bytePath, deleteTree, TreeRestorer } from '../file-tree.ts';
import type { Store, ValidPathInfo } from '../store.ts';
import { connectionBroken, lacksTrustedSignature } from './errors.ts';
import { ProtocolValues } from './protocol-values.ts';
import { framedReader, WireWriter } from './wire.ts';
import type { WorkerSession } from './worker-server.ts';

/** AddToStore: contents that are named by their hash. */
export async function addContents(session: WorkerSession): Promise<void> {
  const { reader, values } = session;
  const name = await reader.text();
  const address = parseAddress(session, await reader.text());
  const references = (await values.paths(reader)).sort();
  await reader.flag();
  const info = await session.work(async () => {
    const { store } = session.service;
    const { inner, drain } = framedReader(reader, session.fail);
    const scratch = mkdtempSync(join(tmpdir(), 'firn-added-'));
    try {
      await awaitRegistered(store, references);
      if (address.method === 'text' && address.algorithm === 'sha256') {
        const pieces: Uint8Array[] = [];
        while (!(await inner.atEnd())) pieces.push(await inner.some());
        const path = store.addTextToStore(name, byteString(concatBytes(pieces)), references);
        await store.flush();
        return store.queryPathInfo(path) as ValidPathInfo;
      }
      const place = join(scratch, 'contents');
      if (address.method === 'flat' || address.method === 'text') {
        const file = await open(place, 'wx', 0o600);
        try {
          while (!(await inner.atEnd())) await file.writeFile(await inner.some());
        } finally {
          await file.close();
        }
      } else {
        const restorer = new TreeRestorer(bytePath(place), 'ordinary');
        try {
          const archive = new NarReader(restorer);
          for await (const piece of inner.nar()) archive.write(piece);
          archive.end();
        } finally {
          restorer.abandon();
        }
      }
      const path = store.addTree(name, place, { ...address, references });
      await store.flush();
      return store.queryPathInfo(path) as ValidPathInfo;
    } finally {
      deleteTree(bytePath(scratch));
      await drain();
    }
  });
  const writer = new WireWriter().text(info.path);
  values.writeInfo(writer, info);
  await session.answer(writer);
}

/**
 * Before something is added that refers to `references`: what a build of ours has just made is
 * registered with a delay, what is added at once.
 */
export async function awaitRegistered(store: Store, references: readonly StorePath[]): Promise<void> {
  if (references.length > 0) await store.flush();
}

/** AddToStoreNar: one path and its NAR. */
export async function addOnePath(session: WorkerSession): Promise<void> {
  const { reader, values } = session;
  const path = await values.path(reader);
  const deriver = await values.optionalPath(reader);
  const narHash = parseHash(await reader.text(), 'sha256');
  const references = (await values.paths(reader)).sort();
  const registrationTime = await reader.number();
  const narSizeBytes = await reader.number();
  const ultimate = await reader.flag();
  const signatures = await reader.texts();
  const address = await reader.text();
  await reader.flag();
  const withoutSignatures = await reader.flag();
  await session.work(async () => {
    const { inner, drain } = framedReader(reader, session.fail);
    try {
      const info: ValidPathInfo = {
        path, narHash, references, registrationTime, narSizeBytes, signatures,
        ultimate: ultimate && session.trusted,
        ...(deriver === undefined ? {} : { deriver }),
        ...(address === '' ? {} : { contentAddress: parseContentAddress(address) }),
      };
      checkBelieved(session, info, withoutSignatures);
      await session.service.store.addNar(info, inner.nar());
      await session.service.store.flush();
    } finally {
      await drain();
    }
  });
}

/** AddMultipleToStore: many of them, in one stream. */
export async function addManyPaths(session: WorkerSession): Promise<void> {
  const { reader, service: { store } } = session;
  await reader.flag();
  const withoutSignatures = await reader.flag();
  await session.work(async () => {
    const { inner, drain } = framedReader(reader, session.fail);
    // Whatever version is spoken, here the form is that of 1.16.
    const values = new ProtocolValues({ protocol: 'worker', minor: 16, features: new Set() }, store.storeDirectory);
    try {
      for (let left = await inner.number(); left > 0; left--) {
        const path = await values.path(inner);
        const info = { ...(await values.info(inner, path)), ultimate: false };
        checkBelieved(session, info, withoutSignatures);
        await store.addNar(info, inner.nar());
      }
      await store.flush();
    } finally {
      await drain();
    }
  });
}

/** `fixed:r:sha256`, `fixed:sha256`, `text:sha256`. */
function parseAddress(
  session: WorkerSession, text: string,
): { readonly method: IngestionMethod; readonly algorithm: HashAlgorithm } {
  const parsed = parseMethodAlgorithm(text.startsWith('fixed:') ? text.slice('fixed:'.length) : text);
  if (parsed === undefined) throw connectionBroken(session.channel.name, `the unknown content address '${text}'`, '');
  return parsed;
}

function checkBelieved(session: WorkerSession, info: ValidPathInfo, withoutSignatures: boolean): void {
  if ((withoutSignatures && session.trusted) || session.service.believes(info)) return;
  throw lacksTrustedSignature(info.path);
}
