/**
 * C++ Nix's own tests of evaluation, read from its source tree in FIRN_TEST_NIX_SOURCE: values,
 * messages and traces to the letter. What differs on purpose is in `deviations` and described in
 * docs/deviations.md.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { decodeUtf8, encodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import {
  call,
  ContextCollector,
  force,
  forceDeep,
  Lambda,
  printAmbiguous,
  valueToXml,
  Attrs,
  type EvalSettings,
  type Value,
} from '#runtime';
import { deviations } from './nix-suite-deviations.ts';
import { openSession, renderError, searchPathOf } from './evaluate.ts';

const source = process.env['FIRN_TEST_NIX_SOURCE'];
const skip = source === undefined ? 'FIRN_TEST_NIX_SOURCE does not name a Nix source tree' : false;
const functional = join(source ?? '.', 'tests/functional');
const folder = join(functional, 'lang');

function cases(prefix: string): string[] {
  if (source === undefined) return [];
  const wanted = process.env['FIRN_TEST_NIX_CASE'];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.nix'))
    .map((name) => name.slice(0, -4))
    .filter((name) => wanted === undefined || name === wanted)
    .filter((name) => !existsSync(join(folder, `${name}.exp-disabled`)));
}

interface Flags {
  readonly settings: Partial<EvalSettings>;
  readonly args: ReadonlyMap<string, string>;
  readonly attribute: string | undefined;
  readonly strict: boolean;
}

/** What the flags of a case mean; `undefined` for flags that concern other parts. */
function readFlags(name: string): Flags {
  const file = join(folder, `${name}.flags`);
  const words = existsSync(file)
    ? readFileSync(file, 'utf8').replace(/#.*/g, '').split(/\s+/).filter((word) => word !== '')
    : [];
  const searchPath: string[] = [];
  const features = new Set(['nix-command', 'flakes']);
  const args = new Map<string, string>();
  const lints: Record<string, 'warn' | 'fatal'> = {};
  let attribute: string | undefined;
  let showTrace = true;
  let maxCallDepth = 10_000;
  for (let i = 0; i < words.length; i++) {
    switch (words[i]) {
      case '-I': {
        const entry = words[++i]!;
        searchPath.push(entry.replace(/(^|=)lang/, `$1${folder}`));
        break;
      }
      case '--arg':
        args.set(words[i + 1]!, words[i + 2]!.replace('(lang', `(${folder}`));
        i += 2;
        break;
      case '--argstr':
        args.set(words[i + 1]!, JSON.stringify(words[i + 2]));
        i += 2;
        break;
      case '-A':
        attribute = words[++i];
        break;
      case '--extra-experimental-features':
        features.add(words[++i]!);
        break;
      case '--no-show-trace':
        showTrace = false;
        break;
      case '--lint-url-literals':
      case '--lint-short-path-literals':
      case '--lint-absolute-path-literals':
        lints[words[i]!.slice('--lint-'.length)] = words[++i] as 'warn' | 'fatal';
        break;
      case '--max-call-depth':
        maxCallDepth = Number(words[++i]);
        break;
    }
  }
  searchPath.push(join(folder, 'dir3'), join(folder, 'dir4'));
  return {
    settings: { searchPath: searchPathOf(searchPath), features, showTrace, maxCallDepth, lints },
    args,
    attribute,
    strict: words.length === 0 || !words.includes('--eval') || words.includes('--strict'),
  };
}

function run(name: string, form: 'text' | 'xml'): { out: string; err: string; failed: boolean } {
  const flags = readFlags(name);
  // Frames are collected in any case: what is shown of them is decided when rendering.
  const settings = { ...flags.settings, showTrace: true };
  const { evaluator, output } = openSession(settings, { TEST_VAR: 'foo' });
  const shorten = (text: string): string => text.replaceAll(functional, '/pwd');
  try {
    const out = evaluator.guard(() => {
      let value = evaluator.importFile(encodeUtf8(join(folder, `${name}.nix`)), 0);
      if (flags.args.size > 0 && value instanceof Lambda) {
        const texts = [...flags.args].map(([key, text]) => `${key} = ${text};`);
        value = call(value, evaluator.evaluateText(`{ ${texts.join(' ')} }`, '/'));
      } else value = autoCall(value);
      if (flags.attribute !== undefined) {
        value = force((value as Attrs).get(flags.attribute)!);
      }
      if (form === 'xml') {
        return valueToXml(value, new ContextCollector(), { strict: true, location: false });
      }
      if (flags.strict) forceDeep(value, evaluator);
      return `${printAmbiguous(value)}\n`;
    });
    return { out: shorten(decodeUtf8(out)), err: shorten(output.join('\n')), failed: false };
  } catch (error) {
    if (!flags.settings.showTrace && error instanceof NixError) dropCallFrames(error);
    output.push(renderError(error, flags.settings.showTrace));
    return { out: '', err: shorten(output.join('\n')), failed: true };
  }
}

/** Frames of calls of lambdas are collected for `--show-trace` alone. */
function dropCallFrames(error: NixError): void {
  const isCall = /^(?:from call site|while calling (?:anonymous lambda|'[^']*'))$/;
  const frames = error.frames.filter((frame) => !isCall.test(frame.text));
  error.frames.splice(0, error.frames.length, ...frames);
}

/** A function all of whose parameters have defaults is called with nothing. */
function autoCall(value: Value): Value {
  const isOptional =
    value instanceof Lambda &&
    value.arity === 1 &&
    value.info.formals?.every((formal) => formal.hasDefault) === true;
  return isOptional ? call(value, Attrs.fromNames([], [])) : value;
}

function read(file: string): string | undefined {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Spaces at the ends of lines do not count, nor what the command adds for wrong usage. */
function trim(text: string): string {
  return text
    .replace(/[ \t]+$/gm, '')
    .trimEnd()
    .replace(/\nTry 'nix-instantiate --help' for more information\.$/, '')
    .trimEnd();
}

function hideNumbers(text: string): string {
  return text
    .replace(/[0-9 ]{7}[0-9](?=[^0-9])/g, '<number>')
    .replace(/[0-9]+/g, '<number>');
}

test('programs that evaluate', { skip }, async (t) => {
  for (const name of cases('eval-okay-')) {
    await t.test(name, { skip: deviations.get(name) ?? false }, () => {
      const xml = read(`${name}.exp.xml`);
      const { out, err, failed } = run(name, xml === undefined ? 'text' : 'xml');
      assert.ok(!failed, err);
      assert.equal(out, xml ?? read(`${name}.exp`));
      assert.equal(trim(err), trim(read(`${name}.err.exp`) ?? ''));
    });
  }
});

test('programs that fail', { skip }, async (t) => {
  for (const name of cases('eval-fail-')) {
    await t.test(name, { skip: deviations.get(name) ?? false }, () => {
      const { err, failed } = run(name, 'text');
      assert.ok(failed, 'it did not fail');
      const expected = trim(read(`${name}.err.exp`) ?? '');
      if (existsSync(join(folder, `${name}.postprocess`))) {
        assert.equal(hideNumbers(trim(err)), expected);
      } else assert.equal(trim(err), expected);
    });
  }
});
