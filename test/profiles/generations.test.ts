/** Profiles by themselves: generations are made, switched, chosen for deletion; and they are roots. */

import assert from 'node:assert/strict';
import { existsSync, lutimesSync, mkdtempSync, readlinkSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  collectGarbage, createGeneration, deleteGenerations, deleteTree, findGenerations, findRoots, LocalStore, profileTarget,
  switchGeneration, switchLink, timeOfAge, withProfileLock, type GenerationChoice,
} from '#store';
import type { StorePath } from '#formats';
import { tryLockFile } from '../../src/store/file-lock.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-generations-'));
const store = new LocalStore({ root: join(scratch, 'root') });
after(() => {
  store.close();
  deleteTree(scratch);
});
const texts = ['one', 'two', 'three', 'four'].map((name) => store.addTextToStore(name, name, []));
const silent = { dryRun: false, notice() {} };

/** A profile with so many generations, the last one current, each a day older than the next. */
function profileOf(name: string, count: number): string {
  const profile = join(scratch, 'profiles', name);
  for (let i = 0; i < count; i++) switchLink(profile, createGeneration(store, profile, texts[i]!));
  const now = Date.now() / 1000;
  for (const { number, link } of findGenerations(profile).all) {
    const time = now - (count - number) * 86_400 - 10;
    lutimesSync(link, time, time);
  }
  return profile;
}

const numbers = (profile: string) => findGenerations(profile).all.map((one) => one.number);

test('a profile leads to its newest generation by relative links; the same path makes none', () => {
  const profile = profileOf('p', 3);
  assert.equal(profileTarget(profile), 'p-3-link');
  assert.equal(readlinkSync(`${profile}-2-link`), store.physicalPath(texts[1]!));
  assert.equal(createGeneration(store, profile, texts[2]!), `${profile}-3-link`);
  assert.deepEqual(numbers(profile), [1, 2, 3]);
  assert.equal(findGenerations(profile).current, 3);
});

test('other files beside a profile are no generations', () => {
  const profile = profileOf('q', 2);
  for (const name of ['q-x-link', 'q-3-link.tmp', 'q-3', 'qq-7-link', 'q-link']) symlinkSync('/nowhere', join(scratch, 'profiles', name));
  assert.deepEqual(numbers(profile), [1, 2]);
  // Numbers go on after the highest there is, also if the profile leads to an older one.
  switchLink(profile, `${profile}-1-link`);
  assert.equal(createGeneration(store, profile, texts[3]!), `${profile}-3-link`);
});

test('switching goes to a number or to the one before, and says what is not there', async () => {
  const profile = profileOf('s', 3);
  const said: string[] = [];
  const change = { dryRun: false, notice: (text: string) => { said.push(text); } };
  await switchGeneration(profile, undefined, change);
  await switchGeneration(profile, undefined, change);
  await assert.rejects(switchGeneration(profile, undefined, change), /no profile version older than the current \(1\) exists/);
  await switchGeneration(profile, 3, { ...change, dryRun: true });
  assert.equal(findGenerations(profile).current, 1);
  await switchGeneration(profile, 3, change);
  await assert.rejects(switchGeneration(profile, 9, change), /profile version 9 does not exist/);
  assert.equal(findGenerations(profile).current, 3);
  assert.deepEqual(said, [
    'switching profile from version 3 to 2', 'switching profile from version 2 to 1',
    'switching profile from version 1 to 3', 'switching profile from version 1 to 3',
  ]);
});

const now = () => Math.floor(Date.now() / 1000);
const deletions: readonly (readonly [what: string, choice: () => GenerationChoice, current: number, left: number[]])[] = [
  ['numbers', () => ({ kind: 'numbers', numbers: new Set([1, 3, 8]) }), 4, [2, 4]],
  ['old', () => ({ kind: 'old' }), 2, [2]],
  ['+2 of four', () => ({ kind: 'keep', count: 2 }), 4, [3, 4]],
  ['+1 behind the newest: newer ones stay', () => ({ kind: 'keep', count: 1 }), 3, [3, 4]],
  ['+9', () => ({ kind: 'keep', count: 9 }), 4, [1, 2, 3, 4]],
  // Made 0, 1, 2 and 3 days ago: two days ago the second was in use, which is kept with those after it.
  ['1d', () => ({ kind: 'olderThan', time: timeOfAge('1d', now()) }), 4, [3, 4]],
  ['2d', () => ({ kind: 'olderThan', time: timeOfAge('2d', now()) }), 4, [2, 3, 4]],
  ['30d', () => ({ kind: 'olderThan', time: timeOfAge('30d', now()) }), 4, [1, 2, 3, 4]],
  ['1d with an old one current', () => ({ kind: 'olderThan', time: timeOfAge('1d', now()) }), 1, [1, 3, 4]],
];

for (const [index, [what, choice, current, left]] of deletions.entries()) {
  test(`deleting ${what} leaves ${left.join(', ')}`, async () => {
    const profile = profileOf(`d${index}`, 4);
    switchLink(profile, `${profile}-${current}-link`);
    await deleteGenerations(profile, choice(), { ...silent, dryRun: true });
    assert.deepEqual(numbers(profile), [1, 2, 3, 4]);
    await deleteGenerations(profile, choice(), silent);
    assert.deepEqual(numbers(profile), left);
  });
}

test('the current generation is never deleted', async () => {
  const profile = profileOf('c', 2);
  await assert.rejects(
    deleteGenerations(profile, { kind: 'numbers', numbers: new Set([2]) }, silent), /cannot delete current version of profile/);
  await assert.rejects(deleteGenerations(profile, { kind: 'keep', count: 0 }, silent), /Must keep at least one generation/);
});

test('ages are numbers of days', () => {
  assert.equal(timeOfAge('3d', 1_000_000), 1_000_000 - 3 * 86_400);
  for (const bad of ['', '3', 'd', '0d', '-1d', 'xd', '1.5d']) assert.throws(() => timeOfAge(bad, 0), /invalid number of days/);
});

test('generations keep what they lead to until they are deleted', async () => {
  const root = join(scratch, 'own');
  const maker = new LocalStore({ root });
  const [path, gone] = ['kept', 'gone'].map((name) => maker.addTextToStore(name, name, [])) as [StorePath, StorePath];
  const profile = join(scratch, 'elsewhere', 'profile');
  for (const one of [gone, path]) switchLink(profile, createGeneration(maker, profile, one));
  // Whoever makes paths keeps them from the collector while it lives.
  maker.close();
  const own = new LocalStore({ root });
  try {
    assert.deepEqual([...findRoots(own)].sort(), [[`${profile}-1-link`, gone], [`${profile}-2-link`, path]]);
    await collectGarbage(own);
    assert.ok(own.isValidPath(gone));
    await deleteGenerations(profile, { kind: 'old' }, silent);
    await collectGarbage(own);
    assert.deepEqual([own.isValidPath(path), own.isValidPath(gone)], [true, false]);
  } finally {
    own.close();
  }
});

test('a profile is changed under a lock that goes with the change', async () => {
  const profile = profileOf('locked', 1);
  const lock = `${profile}.lock`;
  await withProfileLock(profile, undefined, () => {
    assert.ok(existsSync(lock));
    assert.equal(tryLockFile(lock, 'exclusive'), undefined);
  });
  assert.equal(existsSync(lock), false);
});
