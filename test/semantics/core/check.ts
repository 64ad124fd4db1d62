/** Programs of the language and what they print or fail with. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import { type EvalSettings, forceDeep, printAmbiguous } from '#runtime';
import { openSession } from '../evaluate.ts';

/** What a program prints, or `error: ` and the message. */
export function outcome(program: string, settings: Partial<EvalSettings> = {}): string {
  const { evaluator } = openSession(settings);
  try {
    return evaluator.guard(() => {
      const value = evaluator.evaluateText(encodeUtf8(program), '/test/directory');
      forceDeep(value);
      return decodeUtf8(printAmbiguous(value));
    });
  } catch (error) {
    if (!(error instanceof NixError)) throw error;
    return `error: ${decodeUtf8(error.message)}`;
  }
}

/** One test of many rows, run with and without frames for `--show-trace`. */
export function rows(
  name: string,
  table: readonly (readonly [program: string, expected: string])[],
  settings: Partial<EvalSettings> = {},
): void {
  for (const showTrace of [false, true]) {
    test(`${name}${showTrace ? ', with frames' : ''}`, () => {
      for (const [program, expected] of table) {
        assert.equal(outcome(program, { ...settings, showTrace }), expected, program);
      }
    });
  }
}
