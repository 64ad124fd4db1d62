/**
 * nixpkgs' own tests of its `lib` (lib/tests/misc.nix), run on ours. FIRN_TEST_NIXPKGS names a
 * checkout of nixpkgs whose release has the interface we follow.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { encodeUtf8 } from '#base';
import { openSession } from '../../semantics/evaluate.ts';

const nixpkgs = process.env['FIRN_TEST_NIXPKGS'];
const skip = nixpkgs === undefined ? 'FIRN_TEST_NIXPKGS names no nixpkgs checkout' : false;

/** What is different on purpose, with the reason. */
const differences = new Map([
  ['testContainsLicenses', 'licenses here are plain records'],
  ['testEvaluateProperty', 'licenses here are plain records'],
  ['testIsFree', 'licenses here are plain records'],
  ['testIsUnfree', 'licenses here are plain records'],
  ['testIsRedistributable', 'licenses here are plain records'],
  ['testIsUnredistributable', 'licenses here are plain records'],
  ['testToSPDX', 'licenses here are plain records'],
  ["testGetExe'FailureFirstArg", 'a path of a package is accepted too'],
  ['testOverridePreserveFunctionMetadata', 'the result of makeOverridable has no attributes of the function'],
  ['testToCamelCasePath', 'a path is told by the evaluator itself'],
  ['testToSentenceCasePath', 'a path is told by the evaluator itself'],
]);

test('nixpkgs’ cases hold for distro/lib', { skip }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'firn-lib-'));
  after(() => rmSync(scratch, { recursive: true, force: true }));
  cpSync(join(nixpkgs as string, 'lib/tests'), join(scratch, 'tests'), { recursive: true });
  const ours = fileURLToPath(new URL('../../../distro/lib', import.meta.url));
  writeFileSync(join(scratch, 'default.nix'), `(import ${ours}).extend (_: _: { runTests = cases: cases; })\n`);

  const { evaluator } = openSession();
  const evaluate = (text: string): string =>
    evaluator.evaluateString(encodeUtf8(`let cases = import ${scratch}/tests/misc.nix; in ${text}`), '/') as string;
  const names = JSON.parse(evaluate('builtins.toJSON (builtins.attrNames cases)')) as string[];
  assert.ok(names.length > 300);
  const failed = names.filter((name) => !holds(name, evaluate));
  assert.deepEqual(failed.sort(), [...differences.keys()].sort());
});

function holds(name: string, evaluate: (text: string) => string): boolean {
  const text = `let case = cases.${JSON.stringify(name)}; in
    if case ? expectedError then
      (if (builtins.tryEval (builtins.deepSeq case.expr true)).success then "no error" else "")
    else if case.expr == case.expected then "" else "different"`;
  try {
    return evaluate(text) === '';
  } catch {
    return false;
  }
}
