/**
 * Random programs that do not change over files that do: what a stable file makes of values,
 * functions and sets of changing ones, in most ways that builtins have to read and make things.
 *
 * Files import each other, appear in the program and vanish from it, fail in every way and are right
 * again; several change at once. All is the same for the same seed.
 */

import { join } from 'node:path';
import { functions } from './functions.ts';
import type { ProgramGenerator, Type } from './program-generator.ts';

type Fields = readonly (readonly [name: string, type: Type])[];

/** What the files define, each every third. */
const fields: Fields = [
  ['hi', 'int'], ['hs', 'string'], ['hl', 'list'], ['ht', 'set'], ['hb', 'bool'], ['hj', 'int'], ['hm', 'list'], ['hu', 'set'], ['hw', 'string'],
];

/** Functions and sets of certain forms, by name; each is made of random parts. */
const forms: Readonly<Record<string, (part: Part) => string>> = {
  ff: (part) => `x: ${part('int', 2, [['x', 'int']])}`,
  fg: (part) => `acc: x: ${part('int', 2, [['acc', 'int']])}`,
  fl: (part) => `a: b: ${part('bool', 1, [['a', 'int'], ['b', 'int']])}`,
  fp: (part) => `{ a, b ? ${part('int', 1)}, ... }@all: a + b + ${part('int', 1, [['a', 'int'], ['all', 'set']])}`,
  fo: (part) => `{ __functor = self: x: [ x self.n ]; n = ${part('int', 1)}; }`,
  fs: (part) => `{ __toString = self: self.t + "!"; t = ${part('string', 1)}; outPath = "/none"; }`,
  fn: (part) => `n: v: ${part('list', 1, [['n', 'string']])} ++ [ v ]`,
  fk: (part) => `[ { k = ${part('int', 1)}; n = "a"; v = ${part('list', 1)}; } { k = 2; n = ${part('string', 1)}; v = 1; } { k = 1; n = "c"; v = ${part('set', 1)}; } ]`,
  fm: (part) => `builtins.listToAttrs (builtins.genList (i: { name = "n\${toString i}"; value = i + ${part('int', 1)}; }) ${part('int', 0).replace(/\D/g, '') || 5}0)`,
  fd: (part) => `derivation { name = "d"; system = "s"; builder = "/b"; e = ${part('string', 1)}; }`,
  fv: (part) => `rec { a = ${part('int', 1)}; b = { inherit a; c = a + d; }; d = ${part('int', 1)}; \${"e"} = b.c; __overrides = { d = ${part('int', 1)}; }; }`,
  fe: (part) => `{ e = import ./e.nix { x = ${part('int', 0)}; }; }`,
};
const formNames = Object.keys(forms);

type Part = (type: Type, depth: number, variables?: Fields) => string;

/** What uses them. */
const uses: readonly string[] = [
  '(map ff [ 1 2 hi ])', '(builtins.foldl\' fg hi [ 1 2 3 ])', '(builtins.sort fl [ hi 3 hj 1 ])', '(fp { a = hi; })', '(fp { a = 1; b = hj; c = hl; })',
  '(builtins.functionArgs fp)', '(fo hi)', '(map fo hl)', '"${fs} ${toString fs}"', '(builtins.mapAttrs fn ht)', '(builtins.mapAttrs fn (ht // hu))',
  '(builtins.zipAttrsWith fn [ ht hu { a = hi; } ])', '(builtins.sort (a: b: a.k < b.k) fk)', '(builtins.groupBy (x: x.n) fk)',
  '(builtins.partition (x: x.k > hi) fk)', '(map (x: x.k) (builtins.genericClosure { startSet = map (x: { key = x.k; k = x.k; }) fk; operator = x: if x.key > 9 then [ ] else [ { key = x.key * 2 + 3; k = ff x.key; } ]; }))',
  '(builtins.listToAttrs (map (x: { name = x.n; value = x.v; }) fk))', '(builtins.attrNames fm)', '(fm // ht)', '(ht // fm).n7', '(builtins.intersectAttrs ht fm)',
  '(builtins.intersectAttrs fm (fm // hu))', '(removeAttrs fm (builtins.filter builtins.isString hl ++ [ "n1" "n3" ]))', '(builtins.catAttrs "k" fk)',
  '(builtins.attrValues fm)', '(fm // { n2 = hi; })', '(with fm; with ht; [ n1 n2 ])', '(let inherit (fm) n3 n4; inherit (ht) a; in [ n4 n3 ])',
  'fd.drvPath', '"${fd}/bin"', '(builtins.getContext "${fd}" == builtins.getContext fd.drvPath)', '(builtins.unsafeDiscardStringContext "${fd}")', '(fd == fd)',
  '(builtins.toFile "n" hw)', '(where fv)', '(where fm)', '(where (builtins.functionArgs fp))', '[ fv.b.c fv.e fv.d ]', 'fe.e',
  '(if hb then import ./e.nix { x = hi; } else ht)', '(builtins.toXML [ ff fp hl ])', '(builtins.toXML ht)', '(builtins.toJSON [ hl hi fs ])',
  '(builtins.fromJSON (builtins.toJSON hi))', '(builtins.match "(a*)(.*)" hs)', '(builtins.split "[a-c]" hw)', '(builtins.replaceStrings [ "a" ] [ hw ] hs)',
  '(builtins.hashString "sha256" hw)', '[ (builtins.hashString "md5" hw) (builtins.hashString "sha1" hw) ]', '(builtins.fromTOML "a = ${toString (builtins.length hl)}")',
  '(builtins.addErrorContext hs hi)', '(builtins.warn hw hj)', '(say "deep" (builtins.deepSeq hl hi))', '(builtins.seq hl hs)', '(builtins.concatMap (x: [ x hi ]) hl)',
  '(builtins.elem hi hl)', '(builtins.any (x: x == hi) hm)', '(builtins.all builtins.isInt hl)', '(builtins.genList ff 4)', '(reverse (map ff [ hi hj ]))',
  '(numbered (i: x: [ i x hb ]) (reverse hm ++ hl))', '(let l = reverse hl; in [ l (builtins.length l) (reverse (l ++ [ hj ])) ])', '(builtins.tail (hl ++ [ hi ]))',
  '(builtins.head (hl ++ hm))', '(builtins.tryEval (builtins.deepSeq hm (builtins.elemAt hm 0)))', '(builtins.tryEval (assert hb; hi))', '(try [ (try hl) (try hm) ])',
  '(let t = builtins.tryEval (say "in try" hi); in [ t t.success ])', '[ (builtins.tryEval hi) (builtins.tryEval [ hi ]) (builtins.tryEval (hi + 1)) ]',
  '(/a + "/${toString hi}")', '(builtins.baseNameOf (/a/b + "/${hw}"))', '(ht.a or hu.a or hi)', '(ht ? a.b || hu ? b)', '(ht ? ${hw})', '(ht.${hw} or hi)',
  '{ ${if hb then "yes" else null} = hi; ${hw} = hj; }', '(rec { a = hi; b = { inherit a; inherit (ht) c; }; }.b.a)', '({ a ? b, b ? hi }@s: [ a b (s.a or 0) ]) { a = hj; }',
  '(let f = n: if n == 0 then hi else 1 + f (n - 1); in [ (f 20) (f 3) ])', '(builtins.foldl\' (a: n: { inherit a; v = a.v + n; }) { v = hi; } (builtins.genList (n: n) 20)).v',
  '(fix (s: { a = s.b + hi; b = if hb then hj else s.c; c = hi; }))', '(let s = ht; t = hu; in [ (s == t) (s == s) (hl == hm) (hl < hm) ])', '(map (f: f hi) [ ff (x: x + hj) fo ])',
  '(builtins.concatStringsSep hw (map toString hl))', '(toString hl)', '(builtins.substring 0 hi hs)', '(builtins.compareVersions hs hw)', '((x: y: z: [ x z ]) hi hj)', '(map ((x: y: x) hi) hl)',
  '(map (builtins.add hi) [ 1 hj ])', '(builtins.filterSource (p: t: say (baseNameOf p) (t != hw)) ./source)', '(builtins.path { path = ./source; name = "p"; filter = p: t: hb || baseNameOf p == hw; })',
  '((import ./plain.nix).twice ff hi)', '((import ./plain.nix).pick fm)', '(builtins.scopedImport { inherit hi; } ./scoped.nix)',
];

/** Files that do not change. */
const stableFiles: Readonly<Record<string, string>> = {
  'plain.nix': '{ twice = f: x: f (f x); pick = s: map (n: s.${n} or n) (builtins.attrNames s ++ [ "zz" ]); }',
  'scoped.nix': '{ a = hi; b = hi + 1; }',
  'source/a': 'a', 'source/ab': 'b', 'source/x=y;z': 'c',
};

/** A library, and a fixed point over what the files define, as modules make it. */
const library = `
${functions}
  config = fix (self: {
    a = say "a" hi; b = say "b" (self.a + 1); c = builtins.mapAttrs (n: v: [ n v self.b ]) ht; d = map (x: [ x self.b ]) (reverse hl);
    e = numbered (i: x: { inherit i x; y = say "y\${toString i}" self.b; }) (hl ++ hm); f = builtins.zipAttrsWith (n: vs: vs) [ ht hu { a = 1; } ];
    g = builtins.foldl' (acc: x: acc // { \${toString (builtins.length (builtins.attrNames acc))} = x; }) { } (hl ++ reverse hm);
    h = if hb then say "h" self.d else self.e; i = reverse (reverse (hm ++ [ self.a ])); j = (ht // hu).a or self.b; q = map where all;
  });`;

/** Ways in which something fails. */
const failures = ['throw "no"', 'throw "other"', 'abort "no"', '{ }.missing', '(let r = r; in r)', '(1 + "a")', '(assert false; 1)'];

/** A file of bindings. */
class ChangingFile {
  readonly path: string;
  readonly parts = new Map<string, string>();
  form = 0;
  lines = 0;
  /** A file whose fields it sees. */
  imports: string | undefined;

  constructor(path: string) {
    this.path = path;
  }

  text(): string {
    const names = [...this.parts.keys()].join(' ');
    const bindings = [...this.parts].map(([name, text]) => `${name} = ${text};`).join('\n  ');
    const space = '\n'.repeat(this.lines);
    const other = this.imports === undefined ? '' : `with import ${this.imports} { inherit x; };`;
    switch (this.form) {
      case 0:
        return `${space}{ x }: ${other} {\n  ${bindings}\n}`;
      case 1:
        return `${space}{ x }: ${other} let z = 1; in {\n  ${bindings}\n}`;
      case 2:
        return `{ x }:${space} ${other} rec {\n  ${bindings}\n}`;
      default:
        return `{ x, ... }:${space} ${other} let inherit (q) ${names}; q = {\n ${bindings} }; in { inherit ${names}; }`;
    }
  }
}

/** A program in a folder: files by path, and what of them has changed since it was asked last. */
export class ChangingLibrary {
  readonly #folder: string;
  readonly #generator: ProgramGenerator;
  readonly #inputs: readonly ChangingFile[];
  readonly #extra: ChangingFile;
  readonly stable = new Map<string, string>();

  constructor(generator: ProgramGenerator, folder: string) {
    this.#generator = generator;
    this.#folder = folder;
    this.#inputs = ['one', 'two', 'three'].map((name) => new ChangingFile(join(folder, `${name}.nix`)));
    this.#extra = new ChangingFile(join(folder, 'e.nix'));
    fields.forEach(([name, type], i) => this.#inputs[i % 3]!.parts.set(name, this.#part(type, 3)));
    formNames.forEach((name, i) => this.#inputs[i % 3]!.parts.set(name, this.#form(name)));
    this.#extra.parts.set('y', this.#part('int', 2));
    for (const file of this.inputs) file.form = this.#choose(4);
    if (this.#choose(2) === 0) this.#inputs[1]!.imports = './one.nix';
    for (const [name, text] of Object.entries(stableFiles)) this.stable.set(join(folder, name), text);
    this.stable.set(this.main, this.#program());
  }

  get main(): string {
    return join(this.#folder, 'program.nix');
  }

  get inputs(): readonly ChangingFile[] {
    return [...this.#inputs, this.#extra];
  }

  #choose(limit: number): number {
    return this.#generator.choose(limit);
  }

  #part(type: Type, depth: number, variables: Fields = []): string {
    return this.#generator.part(type, depth, [['x', 'int'], ...variables]);
  }

  #form(name: string): string {
    return forms[name]!((type, depth, variables) => this.#part(type, depth, variables));
  }

  #program(): string {
    const items: string[] = [];
    for (let i = 0; i < 6; i++) items.push(this.#generator.part(fields[i]![1], 4, fields));
    for (let i = 0; i < 10; i++) items.push(uses[this.#choose(uses.length)]!);
    const names = (file: ChangingFile): string => [...file.parts.keys()].join(' ');
    const [one, two, three] = this.#inputs as [ChangingFile, ChangingFile, ChangingFile];
    const imports = 'one = import ./one.nix { x = 1; }; two = import ./two.nix { x = 2; }; three = import ./three.nix { x = 3; }; all = [ one two three ];';
    const body = `let${library}\nin [ ${items.map((item) => `(try (${item}))`).join('\n  ')}\n  (builtins.mapAttrs (name: try) config) ]`;
    switch (this.#choose(3)) {
      case 0:
        return `let ${imports} inherit (one) ${names(one)}; inherit (two) ${names(two)}; inherit (three) ${names(three)}; in ${body}`;
      case 1:
        return `let ${imports} in with one; with two; with three; ${body}`;
      default:
        return `let ${imports} f = { ${[...names(one).split(' '), ...names(two).split(' '), ...names(three).split(' ')].join(', ')}, ... }: ${body}; in f (one // two // three)`;
    }
  }

  /** Changes something; the files that are others now. */
  change(): ChangingFile[] {
    const changed = new Set<ChangingFile>();
    for (let i = this.#choose(3); i >= 0; i--) changed.add(this.#changeOne());
    return [...changed];
  }

  #changeOne(): ChangingFile {
    const file = this.inputs[this.#choose(4)]!;
    const names = [...file.parts.keys()];
    const name = names[this.#choose(names.length)]!;
    const type = fields.find(([field]) => field === name)?.[1];
    switch (this.#choose(14)) {
      case 0:
        file.form = this.#choose(4);
        file.lines = this.#choose(4);
        break;
      case 1:
        file.lines = this.#choose(4);
        break;
      case 2:
      case 3:
        file.parts.set(name, failures[this.#choose(failures.length)]!);
        break;
      case 4:
        // Another order.
        file.parts.delete(name);
        file.parts.set(name, type === undefined ? this.#partOf(name) : this.#part(type, 2));
        break;
      default:
        file.parts.set(name, type === undefined ? this.#partOf(name) : this.#part(type, 1 + this.#choose(3)));
    }
    return file;
  }

  #partOf(name: string): string {
    return name === 'y' ? this.#part('int', 2) : this.#form(name);
  }
}
