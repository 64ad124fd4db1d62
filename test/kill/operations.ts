/**
 * What kill.test.ts kills: each operation is work on a store that a process does from the beginning,
 * whatever one before it has left, and what must hold at any instant beside the store itself.
 *
 * A unit's number is part of what is made, so that there is new work for each.
 */

import assert from 'node:assert/strict';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hashOf, sameHash } from '#base';
import { realise, SandboxBuilder } from '#build';
import { makeTextPath, nameOf, parseNarInfo, type StorePath } from '#formats';
import { hostSystem } from '#host';
import {
  CacheSubstituter, collectGarbage, createGeneration, deleteGenerations, exportPaths, findGenerations, importPaths,
  LocalPeer, copyPaths, LocalStore, optimiseStore, storePathOfLink, switchGeneration, switchLink, writeBinaryCache,
} from '#store';
import { needsSandbox, sandboxAt, type Made } from '../sandbox/builds.ts';

export interface Workplace {
  /** The folder of the operation; its store is at `root` below. */
  readonly folder: string;
  /** What all operations read: the store `root`, the cache `cache`, the file `export`. */
  readonly shared: string;
  readonly unit: number;
}

export interface Operation {
  readonly skip?: string | false;
  /** Whether only the whole group of its processes is killed. */
  readonly inGroup?: boolean;
  /** Does the whole of a unit; `finished` is only reached if nobody kills it. */
  work(place: Workplace): Promise<void>;
  /** What holds after each kill. */
  check?(place: Workplace): void;
}

export const operations: Readonly<Record<string, Operation>> = {
  'adding texts, trees and outputs': { work: addAll },
  'building in the sandbox': { skip: needsSandbox.skip, work: (place) => buildAll(place, false) },
  'building what is addressed by content': { skip: needsSandbox.skip, work: (place) => buildAll(place, true) },
  'substituting': { work: substituteAll },
  'copying between stores': { work: copyAll },
  'writing a binary cache': { work: writeCache, check: checkCache },
  'collecting and optimising': { work: collectAndOptimise },
  'importing': { work: importAll },
  'switching profiles': { work: switchProfiles, check: checkProfile },
};

/** How many paths there are to copy. */
const sharedPaths = 16;

/** Makes what the operations read. */
export async function prepareShared(shared: string): Promise<void> {
  mkdirSync(shared, { recursive: true });
  const store = new LocalStore({ root: join(shared, 'root') });
  const paths: StorePath[] = [];
  for (let at = 0; at < sharedPaths; at++) {
    const output = makeTextPath(`shared${at}`, String(at), []);
    const physical = store.prepareOutput(output);
    mkdirSync(join(physical, 'share'), { recursive: true });
    const before = paths.slice(-2);
    for (let i = 0; i < 12; i++) writeFileSync(join(physical, 'share', `file${i}`), `${before.join(' ')} ${at} ${i}\n`.repeat(400));
    await store.commitOutputs([{ path: output, physical }], { candidates: before });
    paths.push(output);
  }
  await writeBinaryCache(store, paths.slice(-1), join(shared, 'cache'), { compression: 'none' });
  await pipeline(Readable.from(exportPaths(store, paths)), createWriteStream(join(shared, 'export')));
  store.close();
}

/** The shared path that refers to all others. */
const lastShared = (): StorePath => makeTextPath(`shared${sharedPaths - 1}`, String(sharedPaths - 1), []);

function openStore({ folder }: Workplace, autoOptimise = false): LocalStore {
  return new LocalStore({ root: join(folder, 'root'), autoOptimise });
}

async function addAll(place: Workplace): Promise<void> {
  const store = openStore(place, true);
  const { unit, folder } = place;
  for (let i = 0; i < 3; i++) {
    const texts = Array.from({ length: 20 }, (_, j) => {
      const text = `${unit} ${i} ${j}`.repeat(200);
      return { path: makeTextPath(`text${j}`, text, []), text, references: [] };
    });
    store.addAll([], texts);
    const source = join(folder, `source-${unit}-${i}`);
    mkdirSync(join(source, 'folder'), { recursive: true });
    for (let j = 0; j < 30; j++) writeFileSync(join(source, 'folder', `file${j}`), `${unit} ${i} ${j}`.repeat(500));
    const tree = store.addTree('tree', source, { method: 'recursive', algorithm: 'sha256' });
    const output = makeTextPath('output', `${unit} ${i}`, []);
    const physical = store.prepareOutput(output);
    mkdirSync(join(physical, 'bin'), { recursive: true });
    for (let j = 0; j < 20; j++) writeFileSync(join(physical, 'bin', `p${j}`), `${tree}\n${output}\n${j}`);
    await store.commitOutputs([{ path: output, physical }], { candidates: [tree] });
    assert.ok(store.isValidPath(output));
  }
  store.close();
}

/** Six derivations in three layers, the last with what all others made. */
async function buildAll({ folder, unit }: Workplace, byContent: boolean): Promise<void> {
  const builds = sandboxAt(folder);
  const script = (text: string): string => `mkdir $out; for i in 1 2 3 4 5 6 7 8; do echo "${text} $i" > $out/file$i; done`;
  const add = (name: string, inputs: readonly Made[]): Made => builds.add(`${name}-${unit}`, {
    script: script(`${name} ${unit} ${inputs.map(({ out }) => out).join(' ')}`), inputs,
    ...(byContent ? { byContent: true } : {}),
  });
  const first = [0, 1, 2].map((at) => add(`first${at}`, []));
  const second = [0, 1].map((at) => add(`second${at}`, first));
  const last = add('last', [...first, ...second]);
  const sandbox = new SandboxBuilder({ systems: [hostSystem()], environment: { PATH: process.env['PATH'] } });
  const made = await realise(builds.store, [{ drvPath: last.drvPath }], {
    builders: [sandbox], jobs: 2, logDirectory: join(builds.store.location.logDirectory, 'drvs'),
  });
  const out = made.get(last.drvPath)?.get('out') as StorePath;
  const text = readFileSync(join(builds.store.physicalPath(out), 'file8'), 'utf8');
  assert.match(text, new RegExp(`^last ${unit} (/nix/store/\\S+ ){5}8\n$`));
  for (const path of text.match(/\/nix\/store\/\S+/g) ?? []) assert.ok(builds.store.isValidPath(path as StorePath), path);
  builds.store.close();
}

async function substituteAll(place: Workplace): Promise<void> {
  const store = openStore(place);
  // What the unit before made is in the way of doing it again.
  await collectGarbage(store);
  const substituter = new CacheSubstituter({
    urls: [`file://${place.shared}/cache`], trustedKeys: [], requireSignatures: false,
  });
  await realise(store, [{ path: lastShared() }], { builders: [], substituters: [substituter] });
  await substituter.close();
  assert.equal(store.closureOf([lastShared()]).length, sharedPaths);
  store.close();
}

async function copyAll(place: Workplace): Promise<void> {
  const [from, to] = [new LocalStore({ root: join(place.shared, 'root') }), openStore(place)];
  await collectGarbage(to);
  await copyPaths(new LocalPeer(from), new LocalPeer(to), [lastShared()], { withoutSignatures: true });
  assert.equal(to.closureOf([lastShared()]).length, sharedPaths);
  from.close();
  to.close();
}

const cacheOf = ({ folder, unit }: Workplace): string => join(folder, `cache-${unit}`);

async function writeCache(place: Workplace): Promise<void> {
  const store = new LocalStore({ root: join(place.shared, 'root') });
  await writeBinaryCache(store, [lastShared()], cacheOf(place), { compression: 'none' });
  store.close();
  checkCache(place);
  assert.equal(readdirSync(cacheOf(place)).filter((name) => name.endsWith('.narinfo')).length, sharedPaths);
}

/** Whatever is described is there, with all it refers to. */
function checkCache(place: Workplace): void {
  const cache = cacheOf(place);
  if (!existsSync(cache)) return;
  for (const name of readdirSync(cache).filter((file) => file.endsWith('.narinfo'))) {
    const info = parseNarInfo(readFileSync(join(cache, name), 'latin1'), name);
    const nar = readFileSync(join(cache, info.url));
    assert.ok(sameHash(hashOf('sha256', nar), info.narHash), `${nameOf(info.path)} in ${cache}`);
    for (const reference of info.references) {
      assert.ok(existsSync(join(cache, `${reference.slice('/nix/store/'.length).slice(0, 32)}.narinfo`)), reference);
    }
  }
}

async function collectAndOptimise(place: Workplace): Promise<void> {
  const store = openStore(place);
  const { folder, unit } = place;
  for (let i = 0; i < 3; i++) {
    const source = join(folder, `twins-${i}`);
    mkdirSync(source, { recursive: true });
    for (let j = 0; j < 40; j++) writeFileSync(join(source, `file${j}`), `the same ${j % 8}\n`.repeat(300));
    writeFileSync(join(source, 'own'), `${unit} ${i}`);
    const tree = store.addTree('twins', source, { method: 'recursive', algorithm: 'sha256' });
    store.addTextToStore('refers', `${tree} ${unit}`, [tree]);
  }
  await optimiseStore(store);
  store.releaseTemporaryRoots();
  await collectGarbage(store);
  assert.deepEqual(store.allValidPaths(), []);
  store.close();
}

async function importAll(place: Workplace): Promise<void> {
  const store = openStore(place);
  await collectGarbage(store);
  await importPaths(store, createReadStream(join(place.shared, 'export')));
  assert.equal(store.closureOf([lastShared()]).length, sharedPaths);
  store.close();
}

export const profileOf = ({ folder }: Workplace): string => join(folder, 'root/nix/var/nix/profiles/profile');

async function switchProfiles(place: Workplace): Promise<void> {
  const store = openStore(place);
  const profile = profileOf(place);
  const change = { dryRun: false, notice() {} };
  for (let i = 0; i < 6; i++) {
    const path = store.addTextToStore('generation', `${place.unit} ${i}`, []);
    switchLink(profile, createGeneration(store, profile, path));
    assert.equal(storePathOfLink(store, findGenerations(profile).all.at(-1)?.link as string), path);
    if (i % 3 === 1) await switchGeneration(profile, undefined, change);
    if (i % 3 === 2) await deleteGenerations(profile, { kind: 'keep', count: 2 }, change);
    if (i === 5) await collectGarbage(store);
  }
  store.close();
}

/** The profile leads to a generation, and each generation to a valid path. */
export function checkProfile(place: Workplace): void {
  const store = openStore(place);
  const { all, current } = findGenerations(profileOf(place));
  for (const { link } of all) assert.ok(store.isValidPath(storePathOfLink(store, link) as StorePath), link);
  if (current !== undefined) assert.ok(all.some(({ number }) => number === current), `generation ${current} is gone`);
  store.close();
}
