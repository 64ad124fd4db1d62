/**
 * Random programs that do not change over files that do (changing-library.ts): the flat heap evaluates
 * what depends on a change only, and comes to what an evaluation with frames comes to that begins
 * anew; or both fail.
 *
 * FIRN_FUZZ_SEED and FIRN_FUZZ_COUNT make longer runs; a difference is reported with its seed.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { encodeUtf8 } from '#base';
import { validationCounts } from '../../src/flat/revisions.ts';
import { openSession } from '../semantics/evaluate.ts';
import { ImagedEvaluations } from '../semantics/revised.ts';
import { ChangingLibrary } from './changing-library.ts';
import { failure, outcome, unkept } from './outcome.ts';
import { ProgramGenerator } from './program-generator.ts';

const seed = Number(process.env['FIRN_FUZZ_SEED'] ?? 5);
const count = Number(process.env['FIRN_FUZZ_COUNT'] ?? 40);
const changes = 8;

function write(files: Iterable<readonly [path: string, text: string]>): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

test('what a stable program makes of changing files is never stale', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'firn-library-')));
  const generator = new ProgramGenerator(seed, 2000);
  const counts = { compared: 0, unkept: 0, lost: 0 };
  try {
    for (let number = 0; number < count; number++) {
      const program = new ChangingLibrary(generator, folder);
      write(program.stable);
      const inputs = program.inputs.map(({ path }) => path);
      // Half of them are evaluated again in the same machine, half in new ones from an image.
      const images = number % 2 === 0 ? undefined : new ImagedEvaluations(new Set(inputs));
      const session = images === undefined ? openSession({}, {}, undefined, true, new Set(inputs)) : undefined;
      const text = encodeUtf8(`builtins.toJSON (import ${program.main}\n)`);
      for (let change = 0; change <= changes; change++) {
        const changed = change === 0 ? program.inputs : program.change();
        write(program.inputs.map((file) => [file.path, file.text()] as const));
        const found = images === undefined
          ? outcome(session!, () =>
            session!.evaluator.evaluateRevision(text, '/', change === 0 ? [] : changed.map(({ path }) => path)))
          : images.evaluate(text, '/', new Map(program.inputs.map((file) => [file.path, file.text()])), outcome)!;
        const anew = openSession();
        const wanted = outcome(anew, () => anew.evaluator.evaluateText(text, '/'));
        if (wanted === failure && change === 0) break;
        if (found === unkept) counts.unkept++;
        else if (found === failure && wanted !== failure) counts.lost++;
        if (found === unkept || (found === failure && wanted !== failure)) break;
        counts.compared++;
        assert.equal(found, wanted, `seed ${seed}, program ${number}, change ${change}:\n${program.stable.get(program.main)}\n${
          program.inputs.map((file) => `--- ${file.path}\n${file.text()}`).join('\n')}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (process.env['FIRN_FUZZ_COUNT'] !== undefined) console.error(JSON.stringify({ ...counts, ...validationCounts }));
  assert.ok(counts.compared > 2 * count && counts.unkept < counts.compared / 5, JSON.stringify(counts));
});
