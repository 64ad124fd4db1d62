/**
 * Random programs over a file that changes: the flat heap evaluates what depends on it only, and
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
import { decodeUtf8, encodeUtf8, UserError } from '#base';
import { NixError } from '#diagnostics';
import { Unhandled, Unkept } from '#flat';
import { revisionCounts } from '../../src/flat/revisions.ts';
import { forceDeep, printAmbiguous } from '#runtime';
import { openSession, type Session } from '../semantics/evaluate.ts';
import { ProgramGenerator, type Type } from './program-generator.ts';

const seed = Number(process.env['FIRN_FUZZ_SEED'] ?? 3);
const count = Number(process.env['FIRN_FUZZ_COUNT'] ?? 40);
const changes = 7;

let lastError = '';
/** What the file defines. */
const fields: readonly (readonly [string, Type])[] = [
  ['hi', 'int'], ['hs', 'string'], ['hl', 'list'], ['ht', 'set'], ['hb', 'bool'], ['hj', 'int'], ['hm', 'list'], ['hu', 'set'],
];
const names = fields.map(([name]) => name).join(' ');

/** A small library, and a fixed point over what the file defines, as modules make it. */
const library = `
  reverse = xs: let last = builtins.length xs - 1; in builtins.genList (n: builtins.elemAt xs (last - n)) (last + 1);
  numbered = f: list: builtins.genList (n: f (n + 1) (builtins.elemAt list n)) (builtins.length list);
  fix = f: let x = f x; in x;
  say = text: value: builtins.trace text value;
  try = p: let r = builtins.tryEval (builtins.deepSeq p p); in if r.success then r.value else "caught";
  where = set: map (name: let at = builtins.unsafeGetAttrPos name set; in
    if at == null then null else [ name (baseNameOf at.file) at.line at.column ]) (builtins.attrNames set);
  config = fix (self: {
    a = say "a" hi; b = say "b" (self.a + 1); c = builtins.mapAttrs (n: v: [ n v self.b ]) ht;
    d = map (x: [ x self.b ]) (reverse hl); e = numbered (i: x: { inherit i x; y = say "y\${toString i}" self.b; }) (hl ++ hm);
    f = builtins.zipAttrsWith (n: vs: vs) [ ht hu { a = 1; } ];
    g = builtins.foldl' (acc: x: acc // { \${toString (builtins.length (builtins.attrNames acc))} = x; }) { } (hl ++ reverse hm);
    h = if hb then say "h" self.d else self.e; i = reverse (reverse (hm ++ [ self.a ])); j = (ht // hu).a or self.b;
    k = with ht; with hu; [ (builtins.attrNames ht) ]; l = builtins.sort (x: y: builtins.toJSON x < builtins.toJSON y) hl;
    m = builtins.listToAttrs (numbered (i: x: { name = "n\${toString i}"; value = x; }) hm);
    n = builtins.groupBy (x: builtins.typeOf x) (hl ++ hm); o = builtins.concatMap (x: [ x hi ]) hl;
    p = builtins.filter (x: x != hi) hl; q = where file; r = where (ht // hu); s = where (builtins.removeAttrs hu [ "a" ]);
    t = (file.there or { line = 0; }).line;
  });`;

/** The file: a function of a set, in several forms, with empty lines before and between. */
function textOf(parts: ReadonlyMap<string, string>, form: number, lines: number): string {
  const bindings = [...parts].map(([name, text]) => `${name} = ${text};`).join('\n  ');
  const space = '\n'.repeat(lines);
  switch (form) {
    case 0:
      return `${space}{ x }: {\n  ${bindings}\n  there = __curPos;\n}`;
    case 1:
      return `${space}{ x }: let z = 1; in {\n  ${bindings}\n}`;
    default:
      return `{ x }:${space} let inherit (q) ${names}; q = {\n ${bindings} }; in { inherit ${names}; }`;
  }
}

/** What an evaluation shows and comes to, or that it fails. */
function outcome({ evaluator, output }: Session, evaluate: () => ReturnType<Session['evaluator']['evaluateText']>): string {
  output.length = 0;
  try {
    const value = evaluator.guard(() => {
      const result = evaluate();
      forceDeep(result);
      return decodeUtf8(printAmbiguous(result));
    });
    return [...output, value].join('\n');
  } catch (error) {
    lastError = String((error as Error).stack).slice(0,400);
    if (error instanceof Unhandled || error instanceof Unkept) return 'unhandled';
    if (error instanceof NixError || error instanceof UserError) return 'it fails';
    return `${(error as Error).stack}`;
  }
}

test('what depends on a changed file is evaluated again, and nothing else differs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'firn-revisions-'));
  const file = join(folder, 'changing.nix');
  const generator = new ProgramGenerator(seed, 2000);
  const differences: string[] = [];
  let failing = 0;
  try {
    for (let program = 0; program < count; program++) {
      const parts = new Map(fields.map(([name, type]) => [name, generator.part(type, 3)]));
      const items = Array.from({ length: 8 }, (_, i) =>
        `(try (${generator.part(fields[i]![1], 5, fields)}))`);
      const bare = generator.choose(4) === 0 ? generator.part('list', 4, fields) : '1';
      const text = encodeUtf8(`let file = import ${file} { x = 1; }; inherit (file) ${names};${library}
in builtins.toJSON [ ${items.join('\n  ')} (builtins.mapAttrs (name: try) config) (try (${bare})) ]`);
      let form = generator.choose(3);
      let lines = 0;
      const session = openSession({}, {}, undefined, true, (path) => path === file);
      for (let change = 0; change <= changes; change++) {
        if (change > 0) {
          const [name, type] = fields[generator.choose(fields.length)]!;
          const what = generator.choose(12);
          if (what === 0) form = generator.choose(3);
          else if (what === 1) lines = generator.choose(4);
          else parts.set(name, what === 2 ? 'throw "no"' : generator.part(type, 1 + generator.choose(3)));
        }
        writeFileSync(file, textOf(parts, form, lines));
        const again = outcome(session, () =>
          session.evaluator.evaluateRevision(text, '/', change === 0 ? [] : [file]));
        const anew = openSession();
        const plain = outcome(anew, () => anew.evaluator.evaluateText(text, '/'));
        if (plain === 'it fails') failing++;
        if (process.env['SHOW'] && plain==='it fails') { try { anew.evaluator.evaluateText(text, '/'); } catch (e) { console.error(String((e as Error).message).slice(0,150)); } }
        if (process.env['SHOW'] && plain!=='it fails' && again==='it fails') { console.error('SPURIOUS', lastError); }
        if (again !== plain && again !== 'it fails' && again !== 'unhandled') {
          differences.push(`seed ${seed}, program ${program}, change ${change}:\n${decodeUtf8(text)}\n`
            + `--- file\n${textOf(parts, form, lines)}\n--- again\n${again}\n--- anew\n${plain}`);
          break;
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.deepEqual(differences, [], differences.slice(0, 3).join('\n\n'));
  assert.ok(failing < count * changes / 2, `${failing} fail`);
  assert.ok(revisionCounts.again > count && revisionCounts.alike > 0, JSON.stringify(revisionCounts));
});
