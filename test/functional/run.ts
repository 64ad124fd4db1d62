/**
 * Runs functional tests of C++ Nix by name and says of each how it ended:
 *
 *   FIRN_TEST_NIX_SOURCE=… node test/functional/run.ts [-k] [-j N] [-t SECONDS] [-n LINES] TEST…
 *
 * `-k` keeps the scratch folder of those that fail; `all` stands for every test there is, `passing`
 * for those that docs/functional-tests.md says pass.
 */

import { parseArgs } from 'node:util';
import { readTable } from './table.ts';
import { allTests, runTest, testFolder, type TestOutcome } from './suite.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    keep: { type: 'boolean', short: 'k' }, jobs: { type: 'string', short: 'j', default: '1' },
    timeout: { type: 'string', short: 't', default: '300' }, lines: { type: 'string', short: 'n', default: '25' },
  },
});

const folder = testFolder();
if (folder === undefined || positionals.length === 0) {
  console.error('usage: FIRN_TEST_NIX_SOURCE=SOURCE node test/functional/run.ts [-k] [-j N] [-t SECONDS] [-n LINES] TEST…');
  process.exit(2);
}

const names = positionals.flatMap((name) => {
  if (name === 'all') return allTests(folder);
  if (name === 'passing') return readTable().filter((row) => row.state === 'passes').map((row) => row.test);
  return [name];
});
const outcomes: TestOutcome[] = [];
const left = [...names];
await Promise.all(Array.from({ length: Number(values.jobs) }, async () => {
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const outcome = await runTest(folder, name, {
      timeoutSeconds: Number(values.timeout), keepFailed: values.keep === true, lines: Number(values.lines),
    });
    outcomes.push(outcome);
    const kept = outcome.folder === undefined ? '' : `, kept in ${outcome.folder}`;
    console.log(`${outcome.result} ${name} (${outcome.seconds.toFixed(1)} s)${kept}`);
    if (outcome.detail !== '') console.log(outcome.detail.replace(/^/gm, '    '));
  }
}));

const count = (result: TestOutcome['result']) => outcomes.filter((one) => one.result === result).length;
console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
process.exitCode = count('failed') > 0 ? 1 : 0;
