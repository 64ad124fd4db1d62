/**
 * Operations that random programs are made of, by the type that they give: what has rules of its
 * own worth trying in many surroundings. Contexts, derivations, paths, regular expressions, JSON and
 * TOML, closures, sorting, names that are computed, shadowing.
 */

import type { Type } from './program-generator.ts';

/** What a template asks of the generator. */
export interface Maker {
  /** A random expression of a type. */
  e(type: Type): string;
  /** One of all types. */
  anyType(): Type;
  pick<T>(items: readonly T[]): T;
  random(limit: number): number;
  /** A name that no expression has yet. */
  fresh(): string;
  /** Makes something with a variable in scope. */
  scoped<T>(name: string, type: Type, make: () => T): T;
}

export type Template = (maker: Maker) => string;

const atoms = ['a', 'b', '.', '[ab]', '[^a]', '[[:digit:]]', '[[:space:]x]', '(a)', '(b|ab)', '(a|ab|abc)', '(.)', '()', '\\\\.', '[]a]', '[a-c-]'];
const repeats = ['', '', '*', '+', '?', '{2}', '{1,2}', '{0,}'];
const subjects = ['', 'a', 'ab', 'abab', 'abcab', 'aab.b', 'x1 2', 'b-a]', 'a\\nb'];

/** A regular expression and a text that it may match. */
function regexAndText({ pick, random }: Maker): readonly [string, string] {
  const branch = () => Array.from({ length: 1 + random(3) }, () => pick(atoms) + pick(repeats)).join('');
  const regex = random(4) === 0 ? `${branch()}|${branch()}` : branch();
  return [`"${regex}"`, `"${pick(subjects)}${pick(subjects)}"`];
}

function derivation({ e, pick, random }: Maker): string {
  const extra = [
    `args = [ ${e('string')} ];`, `x = ${e('int')};`, `list = [ ${e('string')} ${e('bool')} ];`,
    `outputs = [ ${pick(['"out"', '"out" "dev"', '"lib" "out"'])} ];`, '__structuredAttrs = true; deep.a = [ 1 null ];',
    `__ignoreNulls = true; gone = null; kept = ${e('string')};`,
    `outputHashMode = "${pick(['flat', 'recursive'])}"; outputHashAlgo = "sha256"; `
      + `outputHash = "${'0'.repeat(52)}";`,
    'passAsFile = [ "text" ]; text = "long";',
  ];
  const chosen = extra.filter(() => random(4) === 0).join(' ');
  return `(derivation { name = "n" + ${pick(['""', '"-1.2"', e('string')])}; system = "s"; builder = "/b"; ${chosen} })`;
}

const contextOf = (text: string): string =>
  `(builtins.mapAttrs (n: v: v.outputs or v) (builtins.getContext ${text}))`;

export const templates: Readonly<Record<Type, readonly Template[]>> = {
  int: [
    ({ e }) => `(builtins.ceil ${e('float')})`,
    ({ e }) => `(builtins.floor ${e('float')})`,
    ({ e }) => `(let f = n: acc: if n <= 0 then acc else f (n - 1) (acc + n); in f 9 ${e('int')})`,
    ({ e, anyType }) => `(let x = ${e('int')}; in with { x = ${e(anyType())}; y = x; }; x + y)`,
    ({ e }) => `(builtins.foldl' builtins.add ${e('int')} [ ${e('int')} ${e('int')} ])`,
    ({ e }) => `(builtins.fromJSON (builtins.toJSON ${e('int')}))`,
    ({ e }) => `(builtins.length (builtins.attrNames (builtins.getContext ${e('string')})))`,
    ({ e }) => `(rec { a = ${e('int')}; b = { inherit a; c = a; }; }.b.c)`,
    ({ e }) => `({ a ? b, b ? ${e('int')} }@all: a + (all.b or b)) { a = ${e('int')}; }`.replace(/^(.*)$/, '($1)'),
  ],
  bool: [
    ({ e }) => `(${e('list')} < ${e('list')})`,
    ({ e }) => `(builtins.lessThan ${e('float')} ${e('int')})`,
    ({ e, anyType }) => `({ a.\${${e('string')}}.b = ${e(anyType())}; } ? a.\${${e('string')}}.b)`,
    (maker) => `(${derivation(maker)} == ${derivation(maker)})`,
    ({ e }) => `(${e('set')} == ${e('set')})`,
    (maker) => { const [regex, text] = regexAndText(maker); return `(builtins.match ${regex} ${text} == null)`; },
    ({ e, anyType }) => `(builtins.tryEval (builtins.deepSeq ${e(anyType())} (assert ${e('bool')}; 1))).success`,
    ({ e }) => `(/a/b == /a + ("/" + ${e('string')}))`,
  ],
  string: [
    (maker) => { const [regex, text] = regexAndText(maker); return `(builtins.toJSON (builtins.match ${regex} ${text}))`; },
    (maker) => { const [regex, text] = regexAndText(maker); return `(builtins.toJSON (builtins.split ${regex} ${text}))`; },
    (maker) => `${derivation(maker)}.drvPath`,
    (maker) => `${derivation(maker)}.outPath`,
    (maker) => `"\${${derivation(maker)}}/bin"`,
    (maker) => `(builtins.unsafeDiscardStringContext ${derivation(maker)}.drvPath)`,
    ({ e }) => `(builtins.toFile "file" (builtins.unsafeDiscardStringContext ${e('string')}))`,
    ({ e }) => `(builtins.unsafeDiscardStringContext ${e('string')})`,
    ({ e }) => `(builtins.toJSON (builtins.attrNames ${e('set')}))`,
    ({ e }) => `(toString (/a/b + ("/" + ${e('string')})))`,
    ({ e }) => `(builtins.baseNameOf (/x/y + ${e('string')}))`,
    ({ e }) => `(toString ${e('float')})`,
    ({ e }) => `(builtins.toXML ${e('list')})`,
    ({ e }) => `(builtins.hashString "${'sha1'}" ${e('string')})`,
    ({ e, random }) => `(builtins.substring ${random(3)} 100 ${e('string')})`,
    // Nix 2.8 evaluates replacements that nothing needs: so they are strings.
    ({ e, fresh }) => {
      const name = fresh();
      return `(let ${name} = ${e('string')}; in assert builtins.isString ${name}; `
        + `builtins.replaceStrings [ "" "a" ] [ "-" ${name} ] ${e('string')})`;
    },
    ({ e }) => `''\n    one\n      \${${e('string')}}  two\n\n   ''\\t'''x\n  ''`,
    ({ e }) => `(builtins.concatStringsSep "," (map toString ${e('list')}))`,
    ({ e }) => `(builtins.appendContext ${e('string')} (builtins.getContext ${e('string')}))`,
  ],
  list: [
    ({ e }) => `(builtins.attrNames ${contextOf(e('string'))})`,
    ({ e }) => `(builtins.attrValues ${contextOf(e('string'))})`,
    ({ e }) => `(builtins.sort (a: b: a.k < b.k) [ { k = ${e('int')}; v = 1; } { k = ${e('int')}; v = 2; } { k = 1; v = 3; } ])`,
    ({ e }) => `(builtins.sort builtins.lessThan [ ${e('string')} ${e('string')} ${e('string')} ])`,
    ({ e }) => `(map (x: x.key) (builtins.genericClosure { startSet = map (key: { inherit key; }) [ ${e('string')} ${e('string')} ];`
      + ' operator = x: if builtins.stringLength x.key > 6 then [ ] else [ { key = x.key + "p"; } { key = x.key + "q"; } ]; }))',
    ({ e, scoped, fresh, anyType }) => {
      const name = fresh();
      return `(builtins.genList (${name}: ${scoped(name, 'int', () => e(anyType()))}) 3)`;
    },
    ({ e }) => `(let l = ${e('list')}; in [ (builtins.length l) ] ++ l ++ [ (l == l) ])`,
    ({ e }) => `(builtins.fromJSON ''[1, {"a": [true, null, "x\\\\ty\\u00e4"], "b": {}}, -3, "\${toString ${e('int')}}"]'')`,
    ({ e }) => `(with builtins; filter isString (split "[^a-z]+" ${e('string')}))`,
    ({ e }) => `(builtins.tail ([ 0 ] ++ ${e('list')}))`,
  ],
  set: [
    (maker) => `{ inherit (${derivation(maker)}) name drvPath outPath outputName; }`,
    ({ e, anyType }) => `{ a.\${${e('string')}} = ${e(anyType())}; a.z.y = ${e('int')}; b = ${e(anyType())}; }`,
    ({ e }) => `(rec { x = ${e('int')}; y = with { x = 5; z = x; }; [ x z ]; })`,
    ({ e, anyType }) => `(let inherit (${e('set')}) a; in { r = a; \${if ${e('bool')} then "n" else null} = ${e(anyType())}; })`,
    ({ e, anyType }) => `(builtins.listToAttrs (map (name: { inherit name; value = ${e(anyType())}; }) [ "p" ${e('string')} "q" ]))`,
    ({ e }) => `(builtins.fromTOML ''\n  a = ${'${toString 1}'}\n  b = [ 1, 2 ]\n  c.d = "x"\n  [t]\n  s = \${builtins.toJSON (${e('int')} > 1)}\n  [[u]]\n  v = 1_000\n'')`,
    ({ e }) => `(let f = { a ? 1, b ? a, ... }@args: args // { inherit a b; }; in f { b = ${e('int')}; c = 2; })`,
    ({ e }) => `((${e('set')} // { x = { y = 1; }; }) // { x.z = ${e('int')}; })`,
    ({ e }) => `(builtins.zipAttrsWith (n: vs: [ n (builtins.length vs) ]) [ ${e('set')} { a = 1; } ${e('set')} ])`,
    ({ e, anyType }) => `(builtins.tryEval (let v = ${e(anyType())}; in if v == null then throw "null" else v))`,
  ],
  float: [
    ({ e }) => `(${e('float')} / ${e('float')})`,
    ({ e }) => `(0.0 + ${e('int')})`,
    ({ e }) => `(builtins.foldl' (a: b: a * b) ${e('float')} [ 0.1 3 ${e('float')} ])`,
    ({ e }) => `(-${e('float')})`,
  ],
  null: [({ e, anyType }) => `(builtins.seq ${e(anyType())} null)`],
};
