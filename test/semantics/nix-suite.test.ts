/**
 * C++ Nix's own tests of evaluation, read from its source tree in FIRN_TEST_NIX_SOURCE: values,
 * messages and traces to the letter.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { firn } from '../support/firn.ts';
import type { SuiteOutcome, SuiteWork } from './nix-suite-worker.ts';

const source = process.env['FIRN_TEST_NIX_SOURCE'];
const skip = source === undefined ? 'FIRN_TEST_NIX_SOURCE does not name a Nix source tree' : false;
const functional = join(source ?? '.', 'tests/functional');
const folder = join(functional, 'lang');

function cases(prefix: string): string[] {
  if (source === undefined) return [];
  const wanted = process.env['FIRN_TEST_NIX_CASE'];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.nix'))
    .map((name) => name.slice(0, -4))
    .filter((name) => wanted === undefined || name === wanted)
    .filter((name) => !existsSync(join(folder, `${name}.exp-disabled`)));
}

const stackMegabytes = 200;

/** Cases about fetchers, which only commands have: they are put to `nix-instantiate`. */
const putToCommand: ReadonlySet<string> = new Set(['eval-fail-fetchTree-relative-path']);

function runCommand(name: string): SuiteOutcome {
  const features = 'nix-command flakes fetch-tree';
  const { stdout, stderr, status } = firn(['nix-instantiate', '--eval', '--strict', '--show-trace',
    '--extra-experimental-features', features, join(folder, `${name}.nix`)]);
  const shorten = (text: string): string => text.replaceAll(functional, '/pwd');
  return { out: shorten(stdout), err: shorten(stderr), failed: status !== 0 };
}

/** Runs cases in a thread; outcomes by name. */
function runAll(names: readonly string[]): Promise<Map<string, SuiteOutcome>> {
  const work: SuiteWork = {
    functional,
    cases: names.map((name) => ({
      name,
      form: existsSync(join(folder, `${name}.exp.xml`)) ? 'xml' : 'text',
    })),
  };
  const outcomes = new Map<string, SuiteOutcome>();
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./nix-suite-worker.ts', import.meta.url), {
      workerData: work,
      resourceLimits: { stackSizeMb: stackMegabytes },
    });
    worker.on('message', ([name, outcome]: [string, SuiteOutcome]) => outcomes.set(name, outcome));
    worker.on('error', reject);
    worker.on('exit', () => resolve(outcomes));
  });
}

function read(file: string): string | undefined {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Spaces at the ends of lines do not count, nor what the command adds for wrong usage. */
function trim(text: string): string {
  return text
    .replace(/[ \t]+$/gm, '')
    .trimEnd()
    .replace(/\nTry 'nix-instantiate --help' for more information\.$/, '')
    .trimEnd();
}

function hideNumbers(text: string): string {
  return text
    .replace(/[0-9 ]{7}[0-9](?=[^0-9])/g, '<number>')
    .replace(/[0-9]+/g, '<number>');
}

/** What the flat heap does not run: it would have to warn. */
const leftToOthers: ReadonlySet<string> = new Set(['eval-okay-derivation-legacy']);

test('programs that evaluate', { skip }, async (t) => {
  const names = cases('eval-okay-');
  const outcomes = await runAll(names);
  for (const name of names) {
    await t.test(name, () => {
      const xml = read(`${name}.exp.xml`);
      const { out, err, failed, fast } = outcomes.get(name)!;
      assert.ok(!failed, err);
      if (!leftToOthers.has(name)) assert.deepEqual(fast, { out, err, failed }, 'on the flat heap');
      assert.equal(out, xml ?? read(`${name}.exp`));
      assert.equal(trim(err), trim(read(`${name}.err.exp`) ?? ''));
    });
  }
});

test('programs that fail', { skip }, async (t) => {
  const names = cases('eval-fail-');
  const outcomes = await runAll(names);
  for (const name of names) {
    await t.test(name, () => {
      const { err, failed } = putToCommand.has(name) ? runCommand(name) : outcomes.get(name)!;
      assert.ok(failed, 'it did not fail');
      assert.notEqual(outcomes.get(name)!.fast?.failed, false, 'it did not fail on the flat heap');
      const expected = trim(read(`${name}.err.exp`) ?? '');
      if (existsSync(join(folder, `${name}.postprocess`))) {
        assert.equal(hideNumbers(trim(err)), expected);
      } else assert.equal(trim(err), expected);
    });
  }
});
