/**
 * What the comparisons on real nixpkgs share: the tree, the two evaluators, their stores.
 *
 * FIRN_TEST_NIXPKGS names a nixpkgs checkout that the installed `nix-instantiate` evaluates.
 * Neither side writes into it. Both sides never run at once: an evaluation of a system takes up to
 * two gigabytes. FIRN_TEST_NIXPKGS_KEPT may name a folder that keeps C++ Nix's answers about a tree
 * that does not change, so that they are computed once.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { deleteTree } from '#store';
import { root, type Outcome } from '../support/firn.ts';
import { hasProgram } from '../support/foreign.ts';

/** The checkout; a folder that is not there when none is given, and then every test skips. */
export const nixpkgs = process.env['FIRN_TEST_NIXPKGS'] ?? '/nonexistent';

/** For options of tests that only need the tree. */
export const withTree: { readonly skip: string | false } = {
  skip: process.env['FIRN_TEST_NIXPKGS'] === undefined
    ? 'FIRN_TEST_NIXPKGS names no nixpkgs checkout'
    : false,
};

/** For options of tests that compare with C++ Nix on the tree. */
export const withTreeAndNix: { readonly skip: string | false } = {
  skip: withTree.skip || (hasProgram('nix-instantiate') ? false : 'not installed: nix-instantiate'),
};

/** A folder removed at the end, with whatever read-only store lies in it. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'firn-nixpkgs-'));
  after(() => deleteTree(folder));
  return folder;
}

/** Runs C++ Nix's `nix-instantiate ARGUMENTS`, or tells what it said before. */
export function oracle(args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
  const folder = process.env['FIRN_TEST_NIXPKGS_KEPT'];
  // Only what is evaluated and nothing else has its whole result in what is printed.
  if (folder === undefined || !args.includes('--eval')) return run('nix-instantiate', args, env);
  const question = JSON.stringify([args, env]).replaceAll(root, '');
  const file = join(folder, `${createHash('sha256').update(question).digest('hex')}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Outcome;
  const outcome = run('nix-instantiate', args, env);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(outcome));
  return outcome;
}

/** Runs Firn's. */
export function own(args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
  return run(join(root, 'firn'), ['nix-instantiate', ...args], env);
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', ...env },
    maxBuffer: 1 << 30,
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** The JSON that both sides print for an expression, theirs first; fails if one side fails. */
export function evaluateBoth<T>(expression: string, flags: readonly string[] = []): readonly [T, T] {
  const args = ['--eval', '--strict', '--json', '-E', expression, ...flags];
  const [theirs, ours] = [oracle(args), own(args)].map(({ status, stdout, stderr }, side) => {
    assert.equal(status, 0, `${side === 0 ? 'nix-instantiate' : 'firn'} failed:\n${stderr.slice(-4000)}`);
    return JSON.parse(stdout) as T;
  });
  return [theirs as T, ours as T];
}

/** One line for each name whose result differs; both have the same names. */
export function differences(
  theirs: Readonly<Record<string, string | null>>,
  ours: Readonly<Record<string, string | null>>,
): string[] {
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort());
  return Object.keys(theirs)
    .filter((name) => theirs[name] !== ours[name])
    .map((name) => `${name}: ${theirs[name] ?? 'fails'} became ${ours[name] ?? 'fails'}`);
}

/** Compares the derivations in two stores, names first and then every byte; answers their number. */
export function compareDerivations(theirRoot: string, ourRoot: string): number {
  const wanted = derivationsIn(theirRoot);
  assert.deepEqual(derivationsIn(ourRoot), wanted);
  const place = (storeRoot: string, name: string): Buffer =>
    readFileSync(join(storeRoot, 'nix/store', name));
  const different = wanted.filter((name) => !place(ourRoot, name).equals(place(theirRoot, name)));
  assert.deepEqual(different, [], 'derivations whose bytes differ');
  return wanted.length;
}

function derivationsIn(storeRoot: string): string[] {
  return readdirSync(join(storeRoot, 'nix/store')).filter((name) => name.endsWith('.drv')).sort();
}
