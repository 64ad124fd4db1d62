/**
 * Cases for the tree's Nix code, written down as data, checked under Firn's own evaluator, and
 * under C++ Nix where it is installed.
 *
 * A case file is a function of `lib` that gives { name = { expr, expected } } or
 * { name = { expr, expectedError } }, where the error is a text, or a list of texts, that the
 * message must contain.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeUtf8, encodeUtf8 } from '#base';
import { needs } from '../support/foreign.ts';
import { openSession, renderError } from '../semantics/evaluate.ts';

const library = join(dirname(fileURLToPath(import.meta.url)), '../../distro/lib');

/** Declares the tests of all case files in a folder. */
export function checkFolder(folder: string): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.nix'))) {
    const path = join(folder, file);
    test(`${file} under Firn`, () => checkFile(path, withFirn()));
    test(`${file} under C++ Nix`, needs('nix-instantiate'), () => checkFile(path, withNix));
  }
}

/** Gives what a text evaluates to, which is a string; throws with the whole message. */
type Evaluate = (text: string) => string;

function withFirn(): Evaluate {
  const { evaluator } = openSession();
  return (text) => {
    try {
      const value = evaluator.evaluateString(encodeUtf8(text), '/');
      assert.equal(typeof value, 'string');
      return decodeUtf8(value as string);
    } catch (error) {
      throw new Error(plain(renderError(error)));
    }
  };
}

const withNix: Evaluate = (text) => {
  const { status, stdout, stderr } = spawnSync('nix-instantiate', ['--eval', '--strict', '--json', '-E', text], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(plain(stderr));
  return JSON.parse(stdout) as string;
};

// Messages are indented when shown; a phrase may be broken by nothing else.
function plain(text: string): string {
  return text.replace(/\x1b\[[0-9;]*m/g, '').replace(/\n +/g, '\n');
}

const prelude = (file: string): string =>
  `let lib = import ${library}; cases = import ${file} { inherit lib; }; in `;

function checkFile(file: string, evaluate: Evaluate): void {
  const kinds = JSON.parse(
    evaluate(`${prelude(file)} builtins.toJSON (builtins.mapAttrs (_: c: c.expectedError or false) cases)`),
  ) as Record<string, false | string | string[]>;
  assert.ok(Object.keys(kinds).length > 0, `${file} has no cases`);
  for (const [name, wanted] of Object.entries(kinds)) {
    if (wanted !== false) checkError(file, name, [wanted].flat(), evaluate);
  }
  const values = Object.keys(kinds).filter((name) => kinds[name] === false);
  checkValues(file, values, evaluate);
}

function checkValues(file: string, names: readonly string[], evaluate: Evaluate): void {
  const list = names.map((name) => JSON.stringify(name)).join(' ');
  const text = `${prelude(file)} let show = x: lib.generators.toPretty { } x; in builtins.toJSON (
    builtins.concatMap (name: let c = cases.\${name}; in
      if builtins.addErrorContext "in case \${name}" (c.expr == c.expected) then [ ] else [
        "\${name}: \${show c.expr} instead of \${show c.expected}" ]) [ ${list} ])`;
  const failures = JSON.parse(evaluate(text)) as string[];
  assert.deepEqual(failures, []);
}

function checkError(file: string, name: string, phrases: readonly string[], evaluate: Evaluate): void {
  const text = `${prelude(file)} builtins.deepSeq cases.${JSON.stringify(name)}.expr "no error"`;
  let message: string | undefined;
  try {
    evaluate(text);
  } catch (error) {
    message = (error as Error).message;
  }
  assert.ok(message !== undefined, `${file}, ${name}: no error came`);
  for (const phrase of phrases) {
    assert.ok(message.includes(phrase), `${file}, ${name}: ${JSON.stringify(phrase)} is missing in\n${message}`);
  }
}
