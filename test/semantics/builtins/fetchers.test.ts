/**
 * What fetching builtins ask of the host: names, hashes and addresses in one form, and the sets
 * they make of its answers.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NixError } from '#diagnostics';
import type { FetchAttribute } from '#eval';
import { forceDeep, printAmbiguous, type EvalSettings } from '#runtime';
import { openSession } from '../evaluate.ts';

const storePath = '/nix/store/00000000000000000000000000000000-source';

interface Asked {
  readonly value: string;
  readonly asked: readonly (readonly [kind: string, attributes: Record<string, FetchAttribute>])[];
}

function evaluate(
  program: string,
  settings: Partial<EvalSettings> = {},
  answer: Record<string, FetchAttribute> = {},
): Asked {
  const asked: [string, Record<string, FetchAttribute>][] = [];
  const { evaluator } = openSession(settings, {}, (kind, attributes) => {
    asked.push([kind, Object.fromEntries(attributes)]);
    return { storePath, attributes: new Map(Object.entries(answer)) };
  });
  const value = evaluator.evaluateText(program, '/');
  forceDeep(value, evaluator);
  return { value: printAmbiguous(value), asked };
}

test('fetchurl and fetchTarball', () => {
  const { value, asked } = evaluate('builtins.fetchurl "https://example.org/dir/a.tar.gz"');
  assert.equal(value, `"${storePath}"`);
  assert.deepEqual(asked, [['fetchurl', { url: 'https://example.org/dir/a.tar.gz', name: 'a.tar.gz' }]]);
  const hash = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const sri = 'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=';
  assert.deepEqual(
    evaluate(`fetchTarball { url = "channel:nixos-unstable"; sha256 = "${sri}"; }`).asked,
    [[
      'fetchTarball',
      { url: 'https://channels.nixos.org/nixos-unstable/nixexprs.tar.xz', name: 'source', sha256: hash },
    ]],
  );
  assert.throws(() => evaluate('fetchTarball "https://example.org/a"', { pureEval: true }),
    /in pure evaluation mode, 'fetchTarball' requires a 'sha256' argument/);
  assert.throws(() => evaluate('builtins.fetchurl "https://example.org/a b"'),
    /invalid store path name when fetching URL .* contains illegal character ' '/);
  assert.throws(() => evaluate('builtins.fetchurl { url = "x"; other = 1; }'),
    (error) => error instanceof NixError && error.message === "unsupported argument 'other' to 'fetchurl'");
});

test('fetchGit makes one form of all addresses', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['/a/b', 'file:///a/b'],
    ['git@example.org:team/a.git', 'ssh://git@example.org/team/a.git'],
    ['https://example.org/a.git', 'https://example.org/a.git'],
    ['git+https://example.org/a.git', 'https://example.org/a.git'],
  ];
  for (const [given, expected] of rows) {
    const { asked } = evaluate(`(builtins.fetchGit "${given}").outPath`);
    assert.deepEqual(asked, [['fetchGit', { type: 'git', url: expected, exportIgnore: true }]]);
  }
});

test('fetchGit and fetchTree make a set of the answer', () => {
  const rev = '0123456789abcdef0123456789abcdef01234567';
  const answer = { rev, revCount: 7, lastModified: 1686503798, narHash: 'sha256-x' };
  assert.equal(
    evaluate(`builtins.fetchGit { url = "https://example.org/a"; rev = "${rev}"; }`, {}, answer).value,
    `{ lastModified = 1686503798; lastModifiedDate = "20230611171638"; narHash = "sha256-x";` +
      ` outPath = "${storePath}"; rev = "${rev}"; revCount = 7; shortRev = "0123456"; submodules = false; }`,
  );
  const features = new Set(['fetch-tree']);
  const { asked } = evaluate(
    'builtins.fetchTree { type = "git"; url = "https://example.org/a"; }', { features }, answer);
  assert.deepEqual(asked, [['fetchTree', { type: 'git', url: 'https://example.org/a', shallow: true }]]);
  assert.throws(() => evaluate('builtins.fetchTree { type = "path"; name = "x"; path = "/a"; }', { features }),
    /argument 'name' isn.*t supported in call to 'fetchTree'/);
  assert.throws(() => evaluate('builtins.fetchGit "https://example.org/a"', { pureEval: true }),
    /in pure evaluation mode, 'fetchGit' doesn't fetch unlocked input/);
});
