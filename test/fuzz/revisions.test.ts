/**
 * Random programs over two files and a text that change: the flat heap evaluates what depends on it only, and
 * comes to the same value as an evaluation with frames that begins anew; or both fail. Positions and
 * what is shown are part of the value.
 *
 * FIRN_FUZZ_SEED and FIRN_FUZZ_COUNT make longer runs; a difference is reported with its seed.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '#base';
import { validationCounts } from '../../src/flat/revisions.ts';
import { openSession } from '../semantics/evaluate.ts';
import { ImagedEvaluations } from '../semantics/revised.ts';
import { functions } from './functions.ts';
import { failure, outcome, unkept } from './outcome.ts';
import { ProgramGenerator, type Type } from './program-generator.ts';

const seed = Number(process.env['FIRN_FUZZ_SEED'] ?? 3);
const count = Number(process.env['FIRN_FUZZ_COUNT'] ?? 60);
const changes = 7;

/** What the files define: each every other one. */
const fields: readonly (readonly [string, Type])[] = [
  ['hi', 'int'], ['hs', 'string'], ['hl', 'list'], ['ht', 'set'], ['hb', 'bool'], ['hj', 'int'], ['hm', 'list'], ['hu', 'set'],
];

/** A small library, and a fixed point over what the files define, as modules make it. */
const library = `
${functions}
  config = fix (self: {
    a = say "a" hi; b = say "b" (self.a + 1); c = builtins.mapAttrs (n: v: [ n v self.b ]) ht;
    d = map (x: [ x self.b ]) (reverse hl); e = numbered (i: x: { inherit i x; y = say "y\${toString i}" self.b; }) (hl ++ hm);
    f = builtins.zipAttrsWith (n: vs: vs) [ ht hu { a = 1; } ];
    g = builtins.foldl' (acc: x: acc // { \${toString (builtins.length (builtins.attrNames acc))} = x; }) { } (hl ++ reverse hm);
    h = if hb then say "h" self.d else self.e; i = reverse (reverse (hm ++ [ self.a ])); j = (ht // hu).a or self.b;
    k = with ht; with hu; [ (builtins.attrNames ht) ]; l = builtins.sort (x: y: builtins.toJSON x < builtins.toJSON y) hl;
    m = builtins.listToAttrs (numbered (i: x: { name = "n\${toString i}"; value = x; }) hm);
    n = builtins.groupBy (x: builtins.typeOf x) (hl ++ hm); o = builtins.concatMap (x: [ x hi ]) hl;
    p = builtins.filter (x: x != hi) hl; q = where one; r = where (ht // hu); s = where (builtins.removeAttrs hu [ "a" ]);
    t = (one.there or { line = 0; }).line; u = where two;
  });`;

/** A file: a function of a set, in several forms, with empty lines before and between. */
class ChangingFile {
  readonly path: string;
  readonly #parts = new Map<string, string>();
  #form = 0;
  #lines = 0;

  constructor(path: string) {
    this.path = path;
  }

  get names(): string {
    return [...this.#parts.keys()].join(' ');
  }

  set(name: string, text: string): void {
    this.#parts.set(name, text);
  }

  layOut(form: number, lines: number): void {
    this.#form = form;
    this.#lines = lines;
  }

  text(): string {
    const bindings = [...this.#parts].map(([name, text]) => `${name} = ${text};`).join('\n  ');
    const space = '\n'.repeat(this.#lines);
    switch (this.#form) {
      case 0:
        return `${space}{ x }: {\n  ${bindings}\n  there = __curPos;\n}`;
      case 1:
        return `${space}{ x }: let z = 1; in {\n  ${bindings}\n}`;
      default:
        return `{ x }:${space} let inherit (q) ${this.names}; q = {\n ${bindings} }; in { inherit ${this.names}; }`;
    }
  }
}

/** A program of items, over two files; some of its items and files are changed step by step. */
class ChangingProgram {
  readonly files: readonly ChangingFile[];
  readonly #generator: ProgramGenerator;
  readonly #items: string[] = [];

  constructor(generator: ProgramGenerator, files: readonly ChangingFile[]) {
    this.files = files;
    this.#generator = generator;
    for (const file of files) file.layOut(generator.choose(3), 0);
    fields.forEach(([name, type], i) => this.#fileOf(i).set(name, generator.part(type, 3)));
    for (let i = 0; i < 8; i++) this.#items.push(this.#item(i));
  }

  #fileOf(field: number): ChangingFile {
    return this.files[field % 2]!;
  }

  #item(index: number): string {
    return `(try (${this.#generator.part(fields[index]![1], 5, fields)}))`;
  }

  /** Changes something; the files that are others now. */
  change(): ChangingFile[] {
    const { choose } = this.#generator;
    const pick = (limit: number): number => choose.call(this.#generator, limit);
    const field = pick(fields.length);
    const file = this.#fileOf(field);
    const [name, type] = fields[field]!;
    switch (pick(12)) {
      case 0:
        file.layOut(pick(3), pick(4));
        return [file];
      case 1:
        file.set(name, 'throw "no"');
        return [file];
      case 2:
        this.#items[field] = this.#item(field);
        return [];
      default:
        file.set(name, this.#generator.part(type, 1 + pick(3)));
        return [file];
    }
  }

  text(): string {
    const [one, two] = this.files as [ChangingFile, ChangingFile];
    return `let one = import ${one.path} { x = 1; }; two = import ${two.path} { x = 1; };
  inherit (one) ${one.names}; inherit (two) ${two.names};${library}
in builtins.toJSON [ ${this.#items.join('\n  ')} (builtins.mapAttrs (name: try) config) ]`;
  }
}

test('what depends on a change is evaluated again, and nothing else differs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'firn-revisions-'));
  const paths = ['one', 'two'].map((name) => join(folder, `${name}.nix`));
  const generator = new ProgramGenerator(seed, 2000);
  const counts = { compared: 0, unkept: 0 };
  const { again, alike } = validationCounts;
  try {
    for (let number = 0; number < count; number++) {
      const program = new ChangingProgram(generator, paths.map((path) => new ChangingFile(path)));
      // Half of them are evaluated again in the same machine, half in new ones from an image.
      const images = number % 2 === 0 ? undefined : new ImagedEvaluations(new Set(paths));
      const session = images === undefined ? openSession({}, {}, undefined, true, new Set(paths)) : undefined;
      for (let change = 0; change <= changes; change++) {
        const changed = change === 0 ? [] : program.change();
        for (const file of program.files) writeFileSync(file.path, file.text());
        const text = encodeUtf8(program.text());
        const found = images === undefined
          ? outcome(session!, () => session!.evaluator.evaluateRevision(text, '/', changed.map(({ path }) => path)))
          : images.evaluate(text, '/', new Map(program.files.map((file) => [file.path, file.text()])), outcome)!;
        const anew = openSession();
        const wanted = outcome(anew, () => anew.evaluator.evaluateText(text, '/'));
        // A program that fails at first says little; one that fails between other versions much.
        if (wanted === failure && change === 0) break;
        if (found === unkept) counts.unkept++;
        if (found === unkept || (found === failure && wanted !== failure)) break;
        counts.compared++;
        assert.equal(found, wanted, `seed ${seed}, program ${number}, change ${change}:\n${decodeUtf8(text)}\n${
          program.files.map((file) => `--- ${file.path}\n${file.text()}`).join('\n')}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.ok(counts.compared > 2 * count && counts.unkept < counts.compared / 5, JSON.stringify(counts));
  assert.ok(validationCounts.again - again > count && validationCounts.alike > alike, JSON.stringify(validationCounts));
});
