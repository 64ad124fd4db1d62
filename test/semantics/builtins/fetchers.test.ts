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
  forceDeep(value);
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
    ['/a b/%20', 'file:///a%20b/%2520'],
    ['git@[::1]:/a.git', 'ssh://git@[::1]/a.git'],
    ['host:/a', 'ssh://host/a'],
  ];
  for (const [given, expected] of rows) {
    const { asked } = evaluate(`(builtins.fetchGit "${given}").outPath`);
    assert.deepEqual(asked, [['fetchTree', { type: 'git', url: expected, exportIgnore: true }]]);
  }
});

test('what could be taken for a flag or a program is no address and no branch', () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ['"ext::sh -c x"', /is not a valid URL|cannot be|empty path/],
    ['{ url = "/a"; ref = "--upload-pack=x"; }', /invalid Git branch\/tag name '--upload-pack=x'/],
    ['{ url = "/a"; ref = "a..b"; }', /invalid Git branch\/tag name/],
    ['{ url = "/a"; rev = "--x"; }', /unknown hash algorithm/],
    ['{ url = "/a"; other = 1; }', /input attribute 'other' not supported by scheme 'git'/],
  ];
  for (const [argument, expected] of faults) {
    const program = `(builtins.fetchGit ${argument}).outPath`;
    if (argument.startsWith('"ext')) {
      // Git would start a program for it; as an SSH address it can only fail.
      assert.match(String(evaluate(program).asked[0]?.[1]['url']), /^ssh:\/\/ext\//);
    } else assert.throws(() => evaluate(program), expected);
  }
});

test('restricted evaluation fetches what is allowed, and only that', () => {
  const settings = { restrictEval: true, allowedUris: ['https://example.org/a', 'github:'] };
  assert.equal(evaluate('builtins.fetchurl "https://example.org/a/b"', settings).asked.length, 1);
  for (const url of ['https://example.org/ab', 'https://example.com/a', 'http://example.org/a']) {
    assert.throws(() => evaluate(`builtins.fetchurl "${url}"`, settings), /is forbidden in restricted mode/);
    assert.throws(() => evaluate(`builtins.fetchGit "${url}"`, settings), /is forbidden in restricted mode/);
  }
});

test('a tree without revision is locked by its hash, with a warning', () => {
  const narHash = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
  const program = `(builtins.fetchGit { url = "/a"; narHash = "${narHash}"; }).outPath`;
  assert.equal(evaluate(program, { pureEval: true }).asked.length, 1);
});

test('flake references in both forms', () => {
  const features = new Set(['flakes']);
  const rows: readonly (readonly [string, string])[] = [
    ['github:NixOS/nixpkgs/23.05?dir=lib', '{ dir = "lib"; owner = "NixOS"; ref = "23.05"; repo = "nixpkgs"; type = "github"; }'],
    ['git+file:///a%20b?ref=main&shallow=1', '{ ref = "main"; shallow = true; type = "git"; url = "file:///a%20b"; }'],
    ['path:/a?narHash=sha256-47DEQpj8HBSa%2B/TImW%2B5JCeuQeRkm5NMpJWZG3hSuFU%3D',
      '{ narHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; path = "/a"; type = "path"; }'],
    ['https://example.org/a.tar.gz?x=1&rev=0123456789abcdef0123456789abcdef01234567',
      '{ rev = "0123456789abcdef0123456789abcdef01234567"; type = "tarball"; url = "https://example.org/a.tar.gz?x=1"; }'],
    ['nixpkgs/main', '{ id = "nixpkgs"; ref = "main"; type = "indirect"; }'],
    ['hg+https://example.org/a?ref=x', '{ ref = "x"; type = "hg"; url = "https://example.org/a"; }'],
  ];
  for (const [url, set] of rows) {
    assert.equal(evaluate(`builtins.parseFlakeRef "${url}"`, { features }).value, set);
  }
  for (const url of rows.map(([one]) => one).filter((one) => !/^(?:https|nixpkgs)/.test(one))) {
    assert.equal(
      evaluate(`builtins.flakeRefToString (builtins.parseFlakeRef "${url}")`, { features }).value, JSON.stringify(url));
  }
  const faults: readonly (readonly [string, RegExp])[] = [
    ['"./a"', /flake reference '.\/a' is not an absolute path/],
    ['"github:a"', /is not an absolute path|is invalid/],
    ['"path:/a#b"', /unexpected fragment 'b' in flake reference/],
    ['"github:a/b?ref=--x"', /./],
  ];
  for (const [text, expected] of faults) {
    assert.throws(() => evaluate(`builtins.parseFlakeRef ${text}`, { features }), expected);
  }
});

test('fetchGit and fetchTree make a set of the answer', () => {
  const rev = '0123456789abcdef0123456789abcdef01234567';
  const answer = { type: 'git', rev, revCount: 7, lastModified: 1686503798, narHash: 'sha256-x' };
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
