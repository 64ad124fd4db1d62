/**
 * What a daemon does for each operation: reads its request, works, and answers.
 *
 * *Invariant:* a request is read whole before the work begins, but for contents in frames, which
 * are read to their end whatever happens: so the next operation begins where this one ends.
 */

import { UserError } from '#base';
import { knownOutputPath, nameOf, type StorePath } from '#formats';
import { collectGarbage, deletePaths } from '../collect-garbage.ts';
import { livePaths } from '../live-paths.ts';
import type { LocalStore } from '../local-store.ts';
import { optimiseStore } from '../optimise-store.ts';
import { addIndirectRoot, findRoots, storePathOfLink } from '../roots.ts';
import { verifyStore } from '../verify-store.ts';
import {
  connectionBroken, featureMissing, notPrivileged, operationUnsupported, pathNotAtPeer,
} from './errors.ts';
import { addContents, addManyPaths, addOnePath, awaitRegistered } from './received-contents.ts';
import {
  featureDeleteReferrers, featureRealisationWithPath, succeeded, type BuildMode, type BuildResult,
} from './protocol-values.ts';
import { WireWriter } from './wire.ts';
import { buildModes, garbageActions, operations } from './worker-operations.ts';
import type { WorkerSession } from './worker-server.ts';

type Handler = (session: WorkerSession) => Promise<void>;

/** The answer of operations that have none. */
const done = (): WireWriter => new WireWriter().number(1);

/** By the operation's number. */
export const handlers: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [operations.isValidPath, async (session) => {
    const path = await session.values.path(session.reader);
    const valid = await session.work(() => session.service.store.isValidPath(path));
    await session.answer(new WireWriter().flag(valid));
  }],
  [operations.queryValidPaths, async (session) => {
    const { store } = session.service;
    const paths = await session.values.paths(session.reader);
    const substitute = session.values.version.minor >= 27 && await session.reader.flag();
    const valid = await session.work(async () => {
      const missing = paths.filter((path) => !store.isValidPath(path));
      if (substitute && missing.length > 0) await session.service.substitute(missing, session.request());
      return paths.filter((path) => store.isValidPath(path));
    });
    await session.answer(new WireWriter().texts(valid));
  }],
  [operations.querySubstitutablePaths, async (session) => {
    const paths = await session.values.paths(session.reader);
    const missing = await session.work(() => session.service.queryMissing(paths.map((path) => ({ path }))));
    await session.answer(new WireWriter().texts(paths.filter((path) => missing.willSubstitute.includes(path))));
  }],
  [operations.queryReferrers, answerPaths((session, path) => session.service.store.queryReferrers(path))],
  [operations.queryValidDerivers, answerPaths((session, path) => session.service.store.queryDerivers(path))],
  [operations.queryDerivationOutputs, answerPaths((session, path) => [...outputsOf(session, path).values()]
    .filter((output) => output !== undefined))],
  [operations.queryDerivationOutputNames, async (session) => {
    const path = await session.values.path(session.reader);
    const names = await session.work(() => [...session.service.store.readDerivation(path).outputs.keys()]);
    await session.answer(new WireWriter().texts(names));
  }],
  [operations.queryDerivationOutputMap, async (session) => {
    const path = await session.values.path(session.reader);
    const outputs = await session.work(() => outputsOf(session, path));
    const writer = new WireWriter().number(outputs.size);
    for (const [name, output] of outputs) writer.text(name).text(output ?? '');
    await session.answer(writer);
  }],
  [operations.queryDeriver, async (session) => {
    const path = await session.values.path(session.reader);
    const deriver = await session.work(() => infoOf(session, path).deriver);
    await session.answer(new WireWriter().text(deriver ?? ''));
  }],
  [operations.queryPathFromHashPart, async (session) => {
    const hashPart = await session.reader.text();
    const path = await session.work(() => session.service.store.queryPathFromHashPart(hashPart));
    await session.answer(new WireWriter().text(path ?? ''));
  }],
  [operations.queryAllValidPaths, async (session) => {
    await session.answer(new WireWriter().texts(await session.work(() => session.service.store.allValidPaths())));
  }],
  [operations.queryPathInfo, async (session) => {
    const path = await session.values.path(session.reader);
    const info = await session.work(() => session.service.store.queryPathInfo(path));
    const writer = new WireWriter().flag(info !== undefined);
    if (info !== undefined) session.values.writeInfo(writer, info);
    await session.answer(writer);
  }],
  [operations.querySubstitutablePathInfos, async (session) => {
    // Paths with content addresses, in pairs. Nobody needs the answer: queryMissing says the same.
    await session.reader.list(async () => [await session.reader.text(), await session.reader.text()]);
    await session.work(() => {});
    await session.answer(new WireWriter().number(0));
  }],
  [operations.querySubstitutablePathInfo, async (session) => {
    await session.values.path(session.reader);
    await session.work(() => {});
    await session.answer(new WireWriter().number(0));
  }],
  [operations.queryMissing, async (session) => {
    const wanted = await session.reader.list(() => session.values.buildable(session.reader));
    const missing = await session.work(() => session.service.queryMissing(wanted));
    await session.answer(new WireWriter().texts(missing.willBuild).texts(missing.willSubstitute)
      .texts(missing.unknown).number(missing.downloadBytes).number(missing.narBytes));
  }],
  [operations.addToStore, addContents],
  [operations.addTextToStore, async (session) => {
    const [name, text] = [await session.reader.text(), await session.reader.text()];
    const references = await session.values.paths(session.reader);
    const path = await session.work(async () => {
      await awaitRegistered(session.service.store, references);
      return session.service.store.addTextToStore(name, text, references);
    });
    await session.answer(new WireWriter().text(path));
  }],
  [operations.addToStoreNar, addOnePath],
  [operations.addMultipleToStore, addManyPaths],
  [operations.narFromPath, async (session) => {
    const path = await session.values.path(session.reader);
    await session.work(() => infoOf(session, path));
    for await (const piece of session.service.store.narOf(path)) await session.channel.write(piece.slice());
  }],
  [operations.buildPaths, async (session) => {
    await buildWanted(session, (result) => {
      if (!succeeded(result)) throw new UserError('BUILD_FAILED', result.message);
    });
    await session.answer(done());
  }],
  [operations.buildPathsWithResults, async (session) => {
    const wanted: string[] = [];
    const results = await buildWanted(session, () => {}, wanted);
    const writer = new WireWriter().number(results.length);
    results.forEach((result, index) => {
      writer.text(wanted[index] as string);
      session.values.writeBuildResult(writer, result);
    });
    await session.answer(writer);
  }],
  [operations.buildDerivation, async (session) => {
    const drvPath = await session.values.path(session.reader);
    const derivation = await session.values.basicDerivation(session.reader, nameOf(drvPath).replace(/\.drv$/, ''));
    const mode = await buildMode(session);
    const result = await session.work(() => {
      const inputAddressed = [...derivation.outputs.values()].some((output) => output.kind === 'input-addressed');
      if (inputAddressed && !session.trusted) throw notPrivileged('build input-addressed derivations');
      return session.service.buildDerivation(drvPath, derivation, session.request(mode));
    });
    const writer = new WireWriter();
    session.values.writeBuildResult(writer, result);
    await session.answer(writer);
  }],
  [operations.ensurePath, async (session) => {
    const path = await session.values.path(session.reader);
    await session.work(async () => {
      if (session.service.store.isValidPath(path)) return;
      await session.service.substitute([path], session.request());
      if (!session.service.store.isValidPath(path)) {
        throw new UserError('PATH_NOT_VALID', `path '${path}' does not exist and cannot be created`);
      }
    });
    await session.answer(done());
  }],
  [operations.addTempRoot, async (session) => {
    const path = await session.values.path(session.reader);
    await session.work(() => session.service.store.addTemporaryRoot(path));
    await session.answer(done());
  }],
  [operations.addIndirectRoot, async (session) => {
    const link = await session.reader.text();
    await session.work(() => {
      const { local } = session.service;
      const path = local !== undefined && link.startsWith('/') ? storePathOfLink(local, link) : undefined;
      if (local !== undefined && path !== undefined) addIndirectRoot(local, path, link);
    });
    await session.answer(done());
  }],
  [operations.addPermRoot, async (session) => {
    const path = await session.values.path(session.reader);
    const link = await session.reader.text();
    await session.work(() => {
      if (!session.trusted) throw notPrivileged('create permanent roots');
      addIndirectRoot(localStore(session, 'addPermRoot'), path, link);
    });
    await session.answer(new WireWriter().text(link));
  }],
  [operations.syncWithGc, async (session) => {
    await session.work(() => {});
    await session.answer(done());
  }],
  [operations.findRoots, async (session) => {
    const roots = await session.work(() => findRoots(localStore(session, 'findRoots')));
    const writer = new WireWriter().number(roots.size);
    for (const [link, path] of roots) writer.text(link).text(path);
    await session.answer(writer);
  }],
  [operations.collectGarbage, collect],
  [operations.setOptions, setOptions],
  [operations.optimiseStore, async (session) => {
    await session.work(() => optimiseStore(localStore(session, 'optimiseStore')));
    await session.answer(done());
  }],
  [operations.verifyStore, async (session) => {
    const checkContents = await session.reader.flag();
    const repair = await session.reader.flag();
    const problems = await session.work(async () => {
      if (repair) throw operationUnsupported(session.channel.name, 'verifyStore with repair');
      const found = (await verifyStore(localStore(session, 'verifyStore'), { checkContents })).problems;
      for (const problem of found) session.tunnel.message('error', problem);
      return found;
    });
    await session.answer(new WireWriter().flag(problems.length > 0));
  }],
  [operations.registerDrvOutput, async (session) => {
    if (!session.values.version.features.has(featureRealisationWithPath)) {
      // Older clients name the derivation by a hash, from which it cannot be found.
      await session.reader.text();
      await session.work(() => {
        throw featureMissing(session.channel.name, featureRealisationWithPath, 'a content-addressed derivation');
      });
      return;
    }
    const [drvPath, output] = [await session.values.path(session.reader), await session.reader.text()];
    const path = await session.values.path(session.reader);
    const signatures = await session.reader.texts();
    await session.work(() => {
      if (!session.trusted) throw notPrivileged('register outputs');
      session.service.store.registerRealisations([{ drvPath, output, path, signatures }]);
      return session.service.store.flush();
    });
  }],
  [operations.queryRealisation, async (session) => {
    if (!session.values.version.features.has(featureRealisationWithPath)) {
      await session.reader.text();
      await session.work(() => {});
      await session.answer(new WireWriter().number(0));
      return;
    }
    const [drvPath, output] = [await session.values.path(session.reader), await session.reader.text()];
    const found = await session.work(() => session.service.store.queryRealisation(drvPath, output));
    await session.answer(found === undefined ? new WireWriter().number(0)
      : new WireWriter().number(1).text(found.path).texts(found.signatures));
  }],
  [operations.addSignatures, async (session) => {
    const path = await session.values.path(session.reader);
    const signatures = await session.reader.texts();
    await session.work(() => session.service.store.addSignatures(path, signatures));
    await session.answer(done());
  }],
  [operations.addBuildLog, async (session) => {
    const name = await session.reader.text();
    await session.work(async () => {
      const pieces: Uint8Array[] = [];
      for await (const piece of session.reader.frames()) pieces.push(piece.slice());
      if (!session.trusted) throw notPrivileged('add logs');
      await session.service.addBuildLog(`${session.service.store.storeDirectory}/${name}` as StorePath, Buffer.concat(pieces));
    });
    await session.answer(done());
  }],
]);

function answerPaths(find: (session: WorkerSession, path: StorePath) => readonly StorePath[]): Handler {
  return async (session) => {
    const path = await session.values.path(session.reader);
    await session.answer(new WireWriter().texts(await session.work(() => find(session, path))));
  };
}

/** The whole store; a builder's client is not let near it. */
function localStore({ service, channel }: WorkerSession, operation: string): LocalStore {
  if (service.local === undefined) throw operationUnsupported(channel.name, operation);
  return service.local;
}

function infoOf(session: WorkerSession, path: StorePath) {
  const info = session.service.store.queryPathInfo(path);
  if (info === undefined) throw pathNotAtPeer(session.channel.name, path);
  return info;
}

/** The outputs that the derivation says, or else those that its last build had. */
function outputsOf(session: WorkerSession, drvPath: StorePath): Map<string, StorePath | undefined> {
  const { store } = session.service;
  const built = store.queryDerivationOutputs(drvPath);
  return new Map([...store.readDerivation(drvPath).outputs].map(([name, output]) =>
    [name, knownOutputPath(output) ?? built.get(name)]));
}

async function buildMode({ reader, channel }: WorkerSession): Promise<BuildMode> {
  const number = await reader.number();
  const mode = buildModes[number];
  if (mode === undefined) throw connectionBroken(channel.name, `the unknown build mode ${number}`, '');
  return mode;
}

async function buildWanted(
  session: WorkerSession, check: (result: BuildResult) => void, texts: string[] = [],
): Promise<BuildResult[]> {
  const wanted = await session.reader.list(async () => {
    const text = await session.reader.text();
    texts.push(text);
    return session.values.parseBuildable(text);
  });
  const mode = await buildMode(session);
  return session.work(async () => {
    const results = await session.service.buildPaths(wanted, session.request(mode));
    results.forEach(check);
    return results;
  });
}

async function collect(session: WorkerSession): Promise<void> {
  const { reader, values } = session;
  const action = garbageActions[await reader.number()];
  let paths: StorePath[] = [];
  if (!values.version.features.has(featureDeleteReferrers)) {
    paths = await values.paths(reader);
  } else if (!(await reader.flag())) {
    paths = await values.paths(reader);
    await reader.flag();
  }
  const ignoreLiveness = await reader.flag();
  const limit = await reader.wideNumber();
  for (let i = 0; i < 3; i++) await reader.wideNumber();
  const collected = await session.work(async () => {
    const store = localStore(session, 'collectGarbage');
    if (ignoreLiveness) throw notPrivileged('ignore liveness');
    if (action === 'delete-specific') return deletePaths(store, paths);
    if (action === 'delete-dead') {
      const unlimited = limit > BigInt(Number.MAX_SAFE_INTEGER);
      return collectGarbage(store, unlimited ? {} : { maximumFreedBytes: Number(limit) });
    }
    const alive = livePaths(store, {});
    return { paths: store.allValidPaths().filter((path) => alive.has(path) === (action === 'live')), freedBytes: 0 };
  });
  await session.answer(new WireWriter().texts(collected.paths).number(collected.freedBytes).number(0));
}

async function setOptions(session: WorkerSession): Promise<void> {
  const { reader, settings, tunnel } = session;
  const flag = async (name: string) => { settings.set(name, String(await reader.flag())); };
  await flag('keep-failed');
  await flag('keep-going');
  await flag('fallback');
  tunnel.verbosity = await reader.number();
  settings.set('max-jobs', String(await reader.number()));
  settings.set('max-silent-time', String(await reader.number()));
  await reader.number();
  // Zero asks for builders' output as lines.
  tunnel.plainLog = await reader.number() === 0;
  await reader.number();
  await reader.number();
  settings.set('cores', String(await reader.number()));
  await flag('substitute');
  for (const [name, value] of await reader.list(async () => [await reader.text(), await reader.text()] as const)) {
    settings.set(name, value);
  }
  await session.work(() => {});
}
