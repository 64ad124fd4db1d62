/**
 * Random programs on the flat heap and with frames: the same value, or both fail.
 *
 * FIRN_FUZZ_SEED and FIRN_FUZZ_COUNT make longer runs; a difference is reported with its seed.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8, UserError } from '#base';
import { NixError } from '#diagnostics';
import { Unhandled } from '#flat';
import { forceDeep, printAmbiguous } from '#runtime';
import { openSession } from '../semantics/evaluate.ts';
import { ProgramGenerator } from './program-generator.ts';

const seed = Number(process.env['FIRN_FUZZ_SEED'] ?? 2);
const count = Number(process.env['FIRN_FUZZ_COUNT'] ?? 400);

/** The flat heap leaves the program to the evaluator with frames. */
const unhandled = 'unhandled';

/** What a program comes to: its value, or the kind of its error. */
function outcome(program: string, fast: boolean): string {
  const { evaluator, output } = openSession({}, {}, undefined, fast);
  try {
    const value = evaluator.guard(() => {
      const result = evaluator.evaluateText(encodeUtf8(program), '/');
      forceDeep(result);
      return decodeUtf8(printAmbiguous(result));
    });
    return [...output, value].join('\n');
  } catch (error) {
    if (error instanceof NixError || error instanceof UserError) return 'it fails';
    if (error instanceof Unhandled) return unhandled;
    return `${error}`;
  }
}

test('random programs have the same value on the flat heap', () => {
  const generator = new ProgramGenerator(seed);
  const differences: string[] = [];
  for (let i = 0; i < count; i++) {
    const program = generator.program();
    const fast = outcome(program, true);
    const plain = outcome(program, false);
    if (fast !== plain && fast !== unhandled) {
      differences.push(`seed ${seed}, program ${i}:\n${program}\n  flat: ${fast}\n  with frames: ${plain}`);
    }
  }
  assert.deepEqual(differences, [], differences.join('\n\n'));
});
