/**
 * `derivation` with all kinds of attributes: the store derivation has the path that C++ Nix gives
 * it, which depends on every byte of it.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '#base';
import { forceDeep, printAmbiguous } from '#runtime';
import { needs } from '../../support/foreign.ts';
import { openSession, renderError } from '../evaluate.ts';

const folder = mkdtempSync(join(tmpdir(), 'firn-derivation-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'tree/sub'), { recursive: true });
writeFileSync(join(folder, 'tree/a.txt'), 'content a\n');
writeFileSync(join(folder, 'tree/sub/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
writeFileSync(join(folder, 'file.txt'), 'flat\n');
symlinkSync('a.txt', join(folder, 'tree/link'));

const base = 'name = "d"; system = "x86_64-linux"; builder = "/bin/sh";';

/** Expressions whose value both must print alike. */
const expressions: Readonly<Record<string, string>> = {
  plain: `(derivation { ${base} }).drvPath`,
  'kinds of values': `(derivation { ${base} i = 1; n = -3; t = true; f = false; nothing = null;
    list = [ 1 "two" [ 3 ./file.txt ] ]; float = 1.5; path = ./tree; nested = { outPath = "/x"; };
    str = { __toString = self: "shown"; }; }).drvPath`,
  arguments: `(derivation { ${base} args = [ "-c" 1 true [ "a" "b" ] ./file.txt ]; }).drvPath`,
  outputs: `let d = derivation { ${base} outputs = [ "out" "dev" "lib" ]; }; in
    [ d.drvPath d.outPath d.dev.outPath d.lib.outPath (map (o: o.outputName) d.all) ]`,
  dependencies: `let a = derivation { ${base} outputs = [ "out" "doc" ]; };
    b = derivation { ${base} x = a; y = a.doc; z = "\${a}/bin:\${./file.txt}"; };
    in [ (derivation { ${base} inherit a b; }).drvPath b.outPath ]`,
  'whole derivation as input': `let a = derivation { ${base} }; in
    (derivation { ${base} d = a.drvPath; e = builtins.unsafeDiscardOutputDependency a.drvPath; }).drvPath`,
  'fixed output, flat': `let d = derivation { ${base} outputHashMode = "flat"; outputHashAlgo = "sha256";
    outputHash = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"; }; in
    [ d.drvPath d.outPath (derivation { ${base} inherit d; }).drvPath ]`,
  'fixed output, recursive, SRI': `let d = derivation { ${base} outputHashMode = "recursive";
    outputHash = "sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="; outputHashAlgo = null; }; in
    [ d.drvPath d.outPath ]`,
  'fixed output, sha1': `(derivation { ${base} outputHashAlgo = "sha1";
    outputHash = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"; }).outPath`,
  'fixed output, nix32 sha512': `(derivation { ${base} outputHashMode = "recursive"; outputHashAlgo = "sha512";
    outputHash = builtins.hashString "sha512" "x"; }).outPath`,
  'structured attributes': `(derivation { ${base} __structuredAttrs = true; a = { b = [ 1 2.5 "x" null true ];
    "with space" = ./file.txt; }; list = [ { c = "\${./tree}"; } ]; outputs = [ "out" "bin" ];
    outputChecks.out.maxSize = 3; unicode = "ü \\n \\t \\" \\\\"; }).drvPath`,
  'ignored nulls': `(derivation { ${base} __ignoreNulls = true; a = null; b = "x"; }).drvPath`,
  'passed as file': `(derivation { ${base} passAsFile = [ "text" ]; text = "line\\n"; }).drvPath`,
  'odd bytes': `(derivation { ${base} a = "quote \\" backslash \\\\ tab \\t cr \\r newline \\n dollar \\\${x}"; }).drvPath`,
  toFile: `let f = builtins.toFile "t" "text"; g = builtins.toFile "u" "refers to \${f}"; in
    [ f g (derivation { ${base} inherit f g; }).drvPath ]`,
  placeholders: `(derivation { ${base} out1 = placeholder "out"; dev = placeholder "dev"; }).drvPath`,
  'copied sources': `[ "\${./tree}" "\${./file.txt}" "\${./tree/sub}" "\${./tree/link}" ]`,
  'builtins.path': `[ (builtins.path { path = ./tree; }) (builtins.path { path = ./tree; name = "other"; })
    (builtins.path { path = ./tree; filter = p: t: t != "directory"; })
    (builtins.path { path = ./file.txt; recursive = false; }) ]`,
  filterSource: `builtins.filterSource (p: t: baseNameOf p != "a.txt") ./tree`,
  contexts: `let a = derivation { ${base} }; s = "\${a} \${a.drvPath} \${./file.txt}"; in
    [ (builtins.getContext s) (builtins.hasContext s)
      (builtins.attrNames (builtins.getContext (builtins.appendContext "x" (builtins.getContext s)))) ]`,
  fetchurl: `(import <nix/fetchurl.nix> { url = "http://example.org/a.tar.gz";
    sha256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"; }).drvPath`,
  'bad: duplicate outputs': `(derivation { ${base} outputs = [ "a" "a" ]; }).drvPath`,
  'bad: no outputs': `(derivation { ${base} outputs = [ ]; }).drvPath`,
  'bad: fixed with two outputs': `(derivation { ${base} outputs = [ "out" "b" ]; outputHash = "0"; }).drvPath`,
  'bad: wrong hash': `(derivation { ${base} outputHash = "xyz"; outputHashAlgo = "sha256"; }).drvPath`,
  'bad: function': `(derivation { ${base} f = x: x; }).drvPath`,
  'bad: no builder': `(derivation { name = "d"; system = "x"; }).drvPath`,
};

function ours(expression: string): string {
  const { evaluator } = openSession();
  try {
    return evaluator.guard(() => {
      const value = evaluator.evaluateText(encodeUtf8(expression), folder);
      forceDeep(value);
      return decodeUtf8(printAmbiguous(value));
    });
  } catch (error) {
    renderError(error);
    return 'failure';
  }
}

function theirs(expression: string): string {
  const run = spawnSync(
    'nix-instantiate',
    ['--eval', '--strict', '--read-write-mode', '-E', expression],
    { encoding: 'utf8', cwd: folder, env: { ...process.env, NIX_REMOTE: `local?root=${folder}/root` } },
  );
  return run.status === 0 ? run.stdout.trimEnd() : 'failure';
}

for (const [name, expression] of Object.entries(expressions)) {
  test(`derivation: ${name}`, needs('nix-instantiate'), () => {
    assert.equal(ours(expression), theirs(expression));
  });
}
