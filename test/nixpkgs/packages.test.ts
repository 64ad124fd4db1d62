/**
 * Packages across the set have the derivations that C++ Nix gives them.
 *
 * `attributes.txt` lists attribute paths in groups; a group is evaluated by one process on each
 * side. What fails must fail on both: a broken, insecure or removed package counts as `fails`.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { differences, evaluateBoth, nixpkgs, oracle, own, withTreeAndNix } from './support.ts';

/** Groups by title. */
function readGroups(): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  let members: string[] = [];
  for (const line of readFileSync(join(import.meta.dirname, 'attributes.txt'), 'utf8').split('\n')) {
    const words = line.trim();
    if (words.startsWith('# ')) groups.set(words.slice(2), members = []);
    else if (words !== '') members.push(...words.split(/\s+/));
  }
  return groups;
}

/** A function of the paths: the derivation's path of each, null where evaluation throws. */
const drvPathsOf = (configuration: string): string => `
paths:
let
  pkgs = import ${nixpkgs} { system = "x86_64-linux"; overlays = [ ]; config = ${configuration}; };
  parts = path: builtins.filter builtins.isString (builtins.split "[.]" path);
  found = builtins.foldl' (set: name: set.\${name} or (throw "no such package")) pkgs;
  drvPath = path: builtins.tryEval ((found (parts path)).drvPath or (throw "no derivation"));
in
builtins.listToAttrs (map (name: { inherit name; value = let r = drvPath name; in if r.success then r.value else null; }) paths)
`;

const nixList = (names: readonly string[]): string => `[ ${names.map((name) => JSON.stringify(name)).join(' ')} ]`;

type DrvPaths = Readonly<Record<string, string | null>>;

/**
 * The paths of a group in one process. Where an error that cannot be caught ends it, the halves are
 * tried, down to the one at fault.
 */
function evaluateGroup(side: typeof own, names: readonly string[]): DrvPaths {
  const expression = `(${drvPathsOf('{ allowUnfree = true; }')}) ${nixList(names)}`;
  const { status, stdout, stderr } = side(['--eval', '--strict', '--json', '-E', expression]);
  if (status === 0) return JSON.parse(stdout) as DrvPaths;
  if (names.length === 1) {
    assert.match(stderr, /error: /, `${names[0]} ended the process without a message`);
    return { [names[0] as string]: null };
  }
  const middle = names.length >> 1;
  const halves = [names.slice(0, middle), names.slice(middle)].map((half) => evaluateGroup(side, half));
  return Object.assign({}, ...halves) as DrvPaths;
}

describe('derivations of packages', withTreeAndNix, () => {
  for (const [title, names] of readGroups()) {
    test(title, () => {
      const theirs = evaluateGroup(oracle, names);
      const ours = evaluateGroup(own, names);
      assert.deepEqual(differences(theirs, ours), []);
      const working = Object.values(theirs).filter((path) => path !== null).length;
      assert.ok(working > names.length / 3, `only ${working} of ${names.length} evaluate at all`);
    });
  }

  test('what the configuration refuses is refused', () => {
    const names = ['unrar', 'vscode', 'steam', 'hello'];
    const [theirs, ours] = evaluateBoth<DrvPaths>(`(${drvPathsOf('{ }')}) ${nixList(names)}`);
    assert.deepEqual(differences(theirs, ours), []);
    assert.equal(ours['unrar'], null);
    assert.notEqual(ours['hello'], null);
  });

  test('overrides and overlays of the user', () => {
    const expression = `
      let
        pkgs = import ${nixpkgs} {
          system = "x86_64-linux";
          config = { packageOverrides = old: { htop = old.htop.overrideAttrs { doCheck = true; }; }; };
          overlays = [ (final: prev: { hello = prev.hello.overrideAttrs (o: { patches = [ ]; NIX_CFLAGS_COMPILE = "-O3"; }); }) ];
        };
      in {
        overlay = pkgs.hello.drvPath;
        packageOverride = pkgs.htop.drvPath;
        override = (pkgs.curl.override { http3Support = false; }).drvPath;
        python = (pkgs.python3.withPackages (p: [ p.numpy p.requests ])).drvPath;
        haskell = (pkgs.haskellPackages.ghcWithPackages (p: [ p.lens ])).drvPath;
        text = (pkgs.writeText "a text" "\${pkgs.hello}/bin and \${builtins.toFile "b" "c"}").drvPath;
        run = (pkgs.runCommand "made" { passAsFile = [ "a" ]; a = "1"; } "cat $aPath > $out").drvPath;
        application = (pkgs.writeShellApplication { name = "app"; runtimeInputs = [ pkgs.jq ]; text = "jq ."; }).drvPath;
        filtered = (pkgs.runCommand "f" { src = builtins.filterSource (path: type: type == "directory" || baseNameOf path == "default.nix") ${nixpkgs}/lib; } "").drvPath;
      }`;
    const [theirs, ours] = evaluateBoth<DrvPaths>(expression);
    assert.deepEqual(differences(theirs, ours), []);
  });
});
