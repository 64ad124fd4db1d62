/**
 * Random programs: Firn and C++ Nix give the same value, or both fail.
 *
 * FIRN_FUZZ_SEED and FIRN_FUZZ_COUNT make longer runs; a difference is reported with its seed.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '#base';
import { forceDeep, printAmbiguous } from '#runtime';
import { deleteTree } from '#store';
import { needs } from '../support/foreign.ts';
import { openSession, renderError } from '../semantics/evaluate.ts';
import { ProgramGenerator } from './program-generator.ts';

const seed = Number(process.env['FIRN_FUZZ_SEED'] ?? 1);
const count = Number(process.env['FIRN_FUZZ_COUNT'] ?? 40);

const scratch = mkdtempSync(join(tmpdir(), 'firn-fuzz-'));
after(() => deleteTree(scratch));

/** What Nix refuses now, and 2.8, which may be the installed one, lets overflow. */
const refusedSince = /is not in the range of NixInt/;

interface Outcome {
  readonly value: string | undefined;
  readonly error: string;
}

function evaluate(program: string): Outcome {
  const { evaluator } = openSession();
  try {
    const value = evaluator.guard(() => {
      const result = evaluator.evaluateText(encodeUtf8(program), '/');
      forceDeep(result);
      return decodeUtf8(printAmbiguous(result));
    });
    return { value, error: '' };
  } catch (error) {
    return { value: undefined, error: renderError(error) };
  }
}

/** Without a store; with one where 2.8 wants to read a derivation that it has only computed. */
function oracle(program: string): Outcome {
  const bare = ask(['--readonly-mode', '--store', 'dummy://'], program);
  return /path '[^']*\.drv' is not valid/.test(bare.error)
    ? ask(['--read-write-mode', '--store', join(scratch, 'store')], program) : bare;
}

function ask(flags: readonly string[], program: string): Outcome {
  const run = spawnSync('nix-instantiate', ['--eval', '--strict', ...flags, '-E', program], { encoding: 'utf8' });
  return { value: run.status === 0 ? run.stdout.trimEnd() : undefined, error: run.stderr };
}

test('random programs have the value that C++ Nix gives', needs('nix-instantiate'), () => {
  const generator = new ProgramGenerator(seed);
  const differences: string[] = [];
  for (let i = 0; i < count; i++) {
    const program = generator.program();
    const ours = evaluate(program);
    const theirs = oracle(program);
    if (ours.value !== theirs.value && !refusedSince.test(ours.error)) {
      differences.push(
        `seed ${seed}, program ${i}:\n${program}\n  Firn: ${ours.value ?? ours.error}\n` +
          `  C++ Nix: ${theirs.value ?? theirs.error}`,
      );
    }
  }
  assert.deepEqual(differences, [], differences.join('\n\n'));
});
