/**
 * Builtins and operators on operands of every kind, on the flat heap and with frames: the same
 * value, or both fail. What fails on the flat heap only is slower, what fails with frames only would
 * be wrong.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError, decodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import { Unhandled } from '#flat';
import { forceDeep, PrimOp, printAmbiguous } from '#runtime';
import { openSession, type Session } from './evaluate.ts';

/** One or more of each kind, as a program writes them. */
const operands = [
  'null', 'true', '1', '(-1)', '9223372036854775807', '1.5', '"s"', '"1.2"', './p', '[ ]', '[ 1 ]', '[ "s" 1 ]',
  '[ (throw "element") ]', '{ }', '{ a = 1; }', '{ name = "a"; value = 1; }', '{ outPath = "/o"; }',
  '{ __toString = self: "t"; }', '{ __toString = self: 1; }', '{ __toString = self: { outPath = ./p; }; }',
  '{ __toString = self: { a = 1; }; }', '{ outPath = { a = 1; }; }', '{ outPath = ./p; }', '{ __functor = self: x: x; }', '(x: x)', '(x: y: x)', '({ a, b ? 1 }: a)',
  'builtins.add', '(builtins.add 1)', '(builtins.toFile "f" "text")', '(throw "operand")',
  '{ a = throw "member"; }', '{ name = "a"; value = throw "member"; }', '[ { name = "a"; value = throw "member"; } ]',
  '[ { a = 1; } { a = throw "member"; b = 2; } ]', '[ [ 1 ] [ (throw "element") ] ]', '[ "a" (builtins.toFile "f" "x") "a" ]',
  '(x: throw "result")', '(x: [ x x ])', '(x: "s")', '(x: true)', '(x: y: false)',
  '((x: y: z: x) 1)', '((x: { a, b ? 1, ... }@all: x) 1)', '((x: { b, a }: x) 1)', '(builtins.substring 1)', '(x: y: throw "result")',
];
/** For the third operand of builtins that take three. */
const fewOperands = ['null', '1', '"s"', '[ ]', '[ "s" 1 ]', '{ a = 1; }', '(x: x)', '(throw "operand")'];

const operators = ['+', '-', '*', '/', '++', '//', '==', '!=', '<', '<=', '&&', '||', '->', '?'];

/** They look at the world, print, or end the program whatever they get. */
const left: ReadonlySet<string> = new Set([
  'abort', 'break', 'exec', 'fetchClosure', 'fetchFinalTree', 'fetchGit', 'fetchMercurial', 'fetchTarball', 'fetchTree',
  'fetchurl', 'getFlake', 'import', 'importNative', 'path', 'filterSource', 'scopedImport', 'storePath', 'throw', 'trace',
  'traceVerbose', 'warn', 'findFile', 'readFile', 'readDir', 'readFileType', 'hashFile',
]);

function outcome(session: Session, program: string): string {
  const { evaluator } = session;
  try {
    return evaluator.guard(() => {
      const value = evaluator.evaluateText(program, '/nowhere');
      forceDeep(value);
      return decodeUtf8(printAmbiguous(value)).replaceAll(/«[^»]*»/g, '«»');
    });
  } catch (error) {
    if (error instanceof Unhandled) return 'unhandled';
    if (error instanceof NixError || error instanceof UserError) return 'it fails';
    throw error;
  }
}

/** Programs whose outcome differs, with both. */
function differences(programs: Iterable<string>, features: ReadonlySet<string> = new Set()): string[] {
  const plain = openSession({ features });
  const fast = openSession({ features }, {}, undefined, true);
  const found: string[] = [];
  for (const program of programs) {
    const expected = outcome(plain, program);
    const actual = outcome(fast, program);
    if (actual !== expected && actual !== 'unhandled') found.push(`${program}\n  flat: ${actual}\n  with frames: ${expected}`);
  }
  return found;
}

/** Whole, and only so far that one sees what it is: what is evaluated too early fails then. */
function* bothWays(programs: Iterable<string>): Generator<string> {
  for (const program of programs) {
    yield program;
    yield `let value = ${program}; in builtins.seq value (if builtins.isList value then builtins.length value `
      + 'else if builtins.isAttrs value then builtins.attrNames value else 1)';
  }
}

function* applications(): Generator<string> {
  const { builtins } = openSession().evaluator;
  for (const name of builtins.names()) {
    const primOp = builtins.get(name);
    if (!(primOp instanceof PrimOp) || left.has(name)) continue;
    const f = `builtins.${name}`;
    for (const a of operands) {
      if (primOp.arity === 1) yield `${f} ${a}`;
      else for (const b of operands) {
        if (primOp.arity === 2) yield `${f} ${a} ${b}`;
        else for (const c of fewOperands) yield `${f} ${a} ${b} ${c}`;
      }
    }
  }
}

function* operations(): Generator<string> {
  for (const a of operands) {
    yield `-${a}`;
    yield `!${a}`;
    yield `${a}.a or 2`;
    yield `${a} 1`;
    yield `"\${${a}}"`;
    yield `./q + ${a}`;
    yield `with ${a}; a`;
    yield `let inherit (${a}) a; in a`;
    yield `if ${a} then 1 else 2`;
    yield `assert ${a}; 1`;
    yield `{ \${${a}} = 1; }`;
    for (const path of ['a.\${throw "name"}', '\${throw "name"}.b', 'a.\${abort "name"}.b']) {
      yield `builtins.tryEval (${a} ? ${path})`;
      yield `builtins.tryEval (${a}.${path} or 1)`;
      yield `builtins.tryEval ({ a.\${${a}} = 1; } ? ${path})`;
    }
    for (const b of operands) for (const operator of operators) if (operator !== '?') yield `${a} ${operator} ${b}`;
  }
}

test('builtins on operands of every kind', () => {
  const found = differences(bothWays(applications()));
  assert.deepEqual(found, [], `${found.length}\n${found.slice(0, 40).join('\n')}`);
});

test('operators on operands of every kind', () => {
  const found = differences(bothWays(operations()));
  assert.deepEqual(found, [], `${found.length}\n${found.slice(0, 40).join('\n')}`);
});

/** Programs that name an attribute before anything has that name: each has one of its own. */
function* newNames(): Generator<string> {
  const uses = [
    (name: string, set: string) => `builtins.hasAttr ${name} ${set}`,
    (name: string, set: string) => `${set} ? \${${name}}`,
    (name: string, set: string) => `${set}.\${${name}} or 0`,
    (name: string, set: string) => `builtins.getAttr ${name} ${set}`,
    (name: string, set: string) => `builtins.catAttrs ${name} [ ${set} ]`,
    (name: string, set: string) => `builtins.unsafeGetAttrPos ${name} ${set} == null`,
    (name: string, set: string) => `builtins.removeAttrs ${set} [ ${name} ]`,
    (name: string, set: string) => `builtins.intersectAttrs (builtins.listToAttrs [ { name = ${name}; value = 0; } ]) ${set}`,
    (name: string, set: string) => `${set} // { \${${name}} = 2; }`,
  ];
  const sets = [
    (text: string) => `(builtins.fromJSON ''{"${text}": 1}'')`,
    (text: string) => `(builtins.fromTOML "${text} = 1")`,
    (text: string) => `(builtins.listToAttrs [ { name = "${text}"; value = 1; } ])`,
    (text: string) => `(builtins.groupBy (x: x) [ "${text}" ])`,
    (text: string) => `{ "\${"${text}"}" = 1; }`,
    (text: string) => `(builtins.zipAttrsWith (n: v: n) [ (builtins.fromJSON ''{"${text}": 1}'') ])`,
  ];
  let count = 0;
  for (const use of uses) {
    for (const set of sets) {
      count += 1;
      yield use(`("new" + "name${count}")`, set(`newname${count}`));
      yield use(`"newer${count}"`, set(`newer${count}`));
    }
  }
}

test('names that nothing had before', () => {
  assert.deepEqual(differences(newNames()), []);
});

/** Numbers beside the limits of every form that they are kept in. */
const numbers = [
  '0', '1', '(-1)', '7', '268435455', '268435456', '(-268435456)', '(-268435457)', '2147483648', '9007199254740991',
  '9007199254740993', '(-9007199254740993)', '9223372036854775807', '(-9223372036854775807 - 1)', '0.0', '(-0.0)', '0.5',
  '(-2.5)', '1.0e300', '9007199254740992.0', '9223372036854775807.0',
];

function* calculations(): Generator<string> {
  for (const a of numbers) {
    for (const f of ['toString', 'builtins.toJSON', 'builtins.ceil', 'builtins.floor', 'builtins.typeOf', 'builtins.toXML', '-']) {
      yield `${f} ${a}`;
    }
    yield `builtins.elemAt [ 1 2 ] ${a}`;
    yield `builtins.substring ${a} 2 "abc"`;
    yield `builtins.substring 1 ${a} "abc"`;
    yield `(builtins.fromJSON (builtins.toJSON ${a})) == ${a}`;
    for (const b of numbers) {
      for (const operator of ['+', '-', '*', '/', '<', '<=', '==', '!=']) yield `${a} ${operator} ${b}`;
      for (const f of ['bitAnd', 'bitOr', 'bitXor', 'lessThan', 'add', 'sub', 'mul', 'div']) yield `builtins.${f} ${a} ${b}`;
      yield `[ ${a} ] < [ ${b} ]`;
      yield `{ x = ${a}; } == { x = ${b}; }`;
      yield `builtins.sort builtins.lessThan [ ${a} ${b} 1 ]`;
      yield `builtins.elem ${a} [ ${b} ]`;
      yield `builtins.genericClosure { startSet = [ { key = ${a}; } { key = ${b}; } ]; operator = x: [ ]; }`;
    }
  }
}

test('numbers near the limits', () => {
  const found = differences(calculations());
  assert.deepEqual(found, [], `${found.length}\n${found.slice(0, 20).join('\n')}`);
});

/**
 * Sets of all sizes up to some dozens, in every order: how names are searched, sorted and merged
 * depends on how many there are. Each program has names of its own, numbered as they first come.
 */
function* setsOfManySizes(count: number): Generator<string> {
  let state = 12345;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
  for (let program = 0; program < count; program++) {
    const name = () => `k${program}x${random(50)}`;
    const size = () => [0, 1, 5, 6, 7, 11, 12, 13, 16, 17, 24, 25, 40][random(13)]!;
    const names = () => [...new Set(Array.from({ length: size() }, name))];
    const literal = () => `{ ${names().map((one, i) => `${one} = ${i};`).join(' ')} }`;
    const fromList = () => `(builtins.listToAttrs [ ${Array.from({ length: size() }, (_, i) =>
      `{ name = "${name()}"; value = ${100 + i}; }`).join(' ')} ])`;
    const dynamic = () => `{ ${names().map((one, i) => `\${"${one}"} = ${200 + i};`).join(' ')} }`;
    const set = (): string => [literal, literal, fromList, dynamic,
      () => `(${set()} // ${set()})`, () => `(builtins.removeAttrs ${set()} [ ${names().map((one) => `"${one}"`).join(' ')} ])`,
      () => `(builtins.intersectAttrs ${set()} ${set()})`, () => `(builtins.mapAttrs (n: v: n + toString v) ${set()})`,
      () => `(builtins.zipAttrsWith (n: v: [ n v ]) [ ${set()} ${set()} ])`,
      () => `(rec { ${names().map((one, i) => `${one} = ${i};`).join(' ')} })`,
      () => `(let inherit (${literal()}) ${name()}; s = ${literal()}; in s // { y = 1; })`,
    ][random(11)]!();
    const formals = names();
    yield [
      () => set(), () => `builtins.attrNames ${set()}`, () => `builtins.attrValues ${set()}`, () => `builtins.toJSON ${set()}`,
      () => `builtins.toXML ${set()}`, () => `${set()} == ${set()}`, () => `${set()}.${name()} or "none"`,
      () => `builtins.catAttrs "${name()}" [ ${set()} ${set()} ${set()} ]`,
      () => `builtins.groupBy (n: n) (builtins.attrNames ${set()})`,
      () => `({ ${formals.map((one) => `${one} ? "default",`).join(' ')} ... }@all: [ ${formals.join(' ')} all ]) ${set()}`,
      () => `with ${set()}; with ${set()}; [ ${name()} ]`,
    ][random(11)]!();
  }
}

test('sets of many sizes', () => {
  const found = differences(setsOfManySizes(4000));
  assert.deepEqual(found, [], `${found.length}\n${found.slice(0, 10).join('\n')}`);
});

/** Sets made in every way, from names that stand somewhere. */
function* placedSets(): Generator<string> {
  const many = Array.from({ length: 30 }, (_, i) => `n${i} = ${i};`).join(' ');
  const literals = [
    '{ a = 1; b = 2; }', 'rec { a = 1; b = a; }', '{ a.x = 1; a.y = 2; b = 3; }', '{ "${"a"}" = 1; b = 2; }', '{ }',
    '{ inherit (builtins) add map; }', '(let a = 1; in { inherit a; })', `{ ${many} }`, `rec { ${many} }`,
  ];
  yield* literals;
  for (const set of literals) {
    yield `builtins.mapAttrs (name: value: value) ${set}`;
    yield `builtins.mapAttrs (name: value: value) ${set} // ${set}`;
    yield `builtins.zipAttrsWith (name: values: values) [ ${set} ${set} ]`;
    yield `builtins.removeAttrs ${set} [ "a" "n3" ]`;
    yield `builtins.listToAttrs (map (name: { inherit name; value = 1; }) (builtins.attrNames ${set}))`;
    yield `builtins.groupBy (name: name) (builtins.attrNames ${set})`;
    yield `builtins.fromJSON (builtins.toJSON (builtins.attrNames ${set}))`;
    yield `({ ... }@all: all) ${set}`;
    yield `(builtins.head [ ${set} ])`;
    yield `(builtins.tryEval ${set}).value`;
    for (const other of literals) {
      yield `${set} // ${other}`;
      yield `builtins.intersectAttrs ${set} ${other}`;
      yield `builtins.head (builtins.catAttrs "s" [ { s = ${set} // ${other}; } ])`;
    }
  }
  yield 'builtins.functionArgs ({ a, b ? 1, ... }: a)';
  yield 'builtins.tryEval 1';
  yield 'builtins.parseDrvName "a-1"';
  yield 'builtins.partition (x: x) [ true ]';
}

test('where attributes stand', () => {
  const folder = mkdtempSync(join(tmpdir(), 'firn-flat-'));
  try {
    const file = join(folder, 'sets.nix');
    const sets = [...placedSets()];
    writeFileSync(file, `[\n${sets.map((set) => `  (${set})`).join('\n')}\n]\n`);
    const places = (index: number) => `let set = builtins.elemAt (import ${file}) ${index}; `
      + 'in if builtins.isList set then set else map (name: [ name (builtins.unsafeGetAttrPos name set) ]) (builtins.attrNames set)';
    const found = differences(sets.map((_, index) => places(index)));
    assert.deepEqual(found, [], `${found.length}\n${found.slice(0, 10).join('\n')}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Sets of every combination of one choice for each name. */
function* choices(names: Readonly<Record<string, readonly string[]>>): Generator<string> {
  const all = Object.entries(names);
  const walk = function* (at: number, text: string): Generator<string> {
    if (at === all.length) return void (yield `{ ${text}}`);
    const [name, values] = all[at]!;
    for (const value of values) yield* walk(at + 1, value === '' ? text : `${text}${name} = ${value}; `);
  };
  yield* walk(0, '');
}

const derivations = {
  name: ['"n"', '"n.drv"', '"-/"'],
  system: ['"s"', '""'],
  builder: ['"/b"'],
  __structuredAttrs: ['', 'true', '1'],
  __contentAddressed: ['', 'true'],
  __impure: ['', 'true', 'false'],
  outputHash: ['', '"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="', '""', '"x"'],
  outputHashAlgo: ['', '"sha256"', '"blake3"', '"x"'],
  outputHashMode: ['', '"flat"', '"nar"', '"text"', '"git"', '"x"'],
};
const outputs = {
  name: ['"n"'], system: ['"s"'], builder: ['"/b"', './b', 'null'], __structuredAttrs: ['', 'true'],
  outputs: ['', '[ ]', '[ "out" ]', '[ "b" "a" ]', '[ "a" "a" ]', '[ "drvPath" ]', '[ 1 ]', '"a b"', '""'],
  args: ['', '[ ]', '[ 1 ./p true null ]', '1', '[ { } ]'],
  __ignoreNulls: ['', 'true', '1'],
  x: ['', 'null', '1.5', '[ 1 [ 2 ] ]', '{ a = 1; }', '(x: x)', './p'],
  __json: ['', '"{}"'],
  allowedReferences: ['', '[ ]'],
};
const closures = {
  startSet: ['', '[ ]', '[ { key = 1; } { key = 1; } ]', '[ { key = 1; } { key = "1"; } ]', '[ { key = 1; } { key = 1.0; } ]',
    '[ { key = "a"; } { key = builtins.appendContext "a" { }; } ]', '[ { key = [ 1 ]; } { key = [ 1 ]; } ]', '[ { } ]', '1',
    '[ { key = "f"; } { key = builtins.toFile "f" ""; } { key = builtins.toFile "f" ""; } ]', '[ { key = { }; } { key = { }; } ]'],
  operator: ['', '1', '(x: [ ])', '(x: 1)', '(x: [ { key = 2; } ])', '{ __functor = self: x: [ ]; }'],
};

test('derivations with attributes of every kind', () => {
  for (const features of [[], ['ca-derivations', 'impure-derivations', 'dynamic-derivations', 'git-hashing', 'blake3-hashes']]) {
    const programs = [...choices(derivations), ...choices(outputs)].map((set) => `(derivation ${set}).drvPath`);
    const found = differences(programs, new Set(features));
    assert.deepEqual(found, [], `${found.length}\n${found.slice(0, 20).join('\n')}`);
  }
});

test('closures over keys of every kind', () => {
  const found = differences([...choices(closures)].map((set) => `builtins.genericClosure ${set}`));
  assert.deepEqual(found, [], `${found.length}\n${found.slice(0, 20).join('\n')}`);
});
