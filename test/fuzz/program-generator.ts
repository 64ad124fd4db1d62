/**
 * Random Nix programs, the same for the same seed.
 *
 * Expressions are made for a wanted type, so that most programs have a value; now and then the type
 * is ignored, so that some fail. Only what all releases of Nix agree on is used: no numbers near
 * the limits, no floats in JSON, no `$` in what is printed, no function as result.
 */

import { templates, type Maker } from './templates.ts';

export type Type = 'int' | 'bool' | 'string' | 'list' | 'set' | 'float' | 'null';

const types: readonly Type[] = ['int', 'bool', 'string', 'list', 'set', 'float', 'null'];
const names = ['a', 'b', 'c', 'd', 'foo', 'bar', 'x y', 'if', '1'];
const texts = ['', 'a', 'ab', 'abc', 'a.b-1.2pre3', 'hello world', 'x=y;z', '\\n', '[', '#'];
const regexes = ['a', '(a)(b)?', '([a-z]+)[^a-z]*(.*)', '[[:alpha:]]+', '(a|ab)(c|bcd)*', '.', 'x*'];

export class ProgramGenerator {
  private state: number;
  private variables: { readonly name: string; readonly type: Type }[] = [];
  private fresh = 0;

  private readonly strays: number;

  /** Of so many expressions about one has another type than is wanted. */
  constructor(seed: number, strays = 60) {
    this.state = seed >>> 0 || 1;
    this.strays = strays;
  }

  /** One program; calling again gives the next. */
  program(): string {
    this.variables = [];
    this.fresh = 0;
    return this.expression(this.pick(types), 5);
  }

  /** A part of a program, of that type, which may use such variables. */
  part(type: Type, depth: number, variables: readonly (readonly [string, Type])[] = []): string {
    this.variables = variables.map(([name, one]) => ({ name, type: one }));
    this.fresh = 0;
    return this.expression(type, depth);
  }

  /** A number below a limit, for what else is chosen at random. */
  choose(limit: number): number {
    return this.random(limit);
  }

  private random(limit: number): number {
    // xorshift: short, and good enough to choose with.
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    this.state >>>= 0;
    return this.state % limit;
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.random(items.length)]!;
  }

  private expression(wanted: Type, depth: number): string {
    const type = this.random(this.strays) === 0 ? this.pick(types) : wanted;
    const known = this.variables.filter((variable) => variable.type === type);
    if (known.length > 0 && this.random(3) === 0) return this.pick(known).name;
    if (depth <= 0) return this.literal(type);
    switch (this.random(9)) {
      case 0:
        return this.letIn(type, depth);
      case 1: {
        const condition = this.expression('bool', depth - 2);
        const yes = this.expression(type, depth - 1);
        return `(if ${condition} then ${yes} else ${this.expression(type, depth - 1)})`;
      }
      case 2:
        return this.application(type, depth);
      case 3:
        return this.selection(type, depth);
      default:
        return this.operation(type, depth);
    }
  }

  private literal(type: Type): string {
    switch (type) {
      case 'int':
        return this.pick(['0', '1', '2', '3', '7', '(-1)', '(-5)', '42']);
      case 'bool':
        return this.pick(['true', 'false']);
      case 'string':
        return quote(this.pick(texts));
      case 'list':
        return this.pick(['[ ]', '[ 1 2 3 ]', '[ "a" "b" ]', '[ 3 1 2 ]', '[ { a = 1; } { a = 2; } ]']);
      case 'set':
        return this.pick(['{ }', '{ a = 1; b = "x"; }', '{ a.b.c = 2; d = [ 1 ]; }', '{ foo = { }; }']);
      case 'float':
        return this.pick(['0.5', '1.25', '3.0', '1.0e10', '(-2.5)', '123456789.5', '1.0e-7']);
      case 'null':
        return 'null';
    }
  }

  private scoped<T>(name: string, type: Type, make: () => T): T {
    this.variables.push({ name, type });
    const result = make();
    this.variables.pop();
    return result;
  }

  private letIn(type: Type, depth: number): string {
    const name = `v${this.fresh++}`;
    const bound = this.pick(types);
    const value = this.expression(bound, depth - 1);
    const body = this.scoped(name, bound, () => this.expression(type, depth - 1));
    return this.pick([
      `(let ${name} = ${value}; in ${body})`,
      `(with { ${name} = ${value}; }; ${body})`,
      `(rec { ${name} = ${value}; body = ${body}; }).body`,
    ]);
  }

  private application(type: Type, depth: number): string {
    const name = `p${this.fresh++}`;
    const bound = this.pick(types);
    const argument = this.expression(bound, depth - 1);
    const body = this.scoped(name, bound, () => this.expression(type, depth - 1));
    const fallback = this.expression(bound, 0);
    return this.pick([
      `((${name}: ${body}) ${argument})`,
      `(({ ${name} }: ${body}) { ${name} = ${argument}; })`,
      `(({ ${name} ? ${fallback}, ... }@all: ${body}) { other = 1; })`,
      `({ __functor = self: ${name}: ${body}; } ${argument})`,
    ]);
  }

  private selection(type: Type, depth: number): string {
    const name = quote(this.pick(names));
    const inner = this.expression(type, depth - 1);
    return this.pick([
      `{ ${name} = ${inner}; }.${name}`,
      `({ }.${name} or ${inner})`,
      `(builtins.getAttr ${name} { ${name} = ${inner}; })`,
      `(builtins.head [ ${inner} ])`,
      `(builtins.elemAt [ 1 ${inner} ] 1)`,
      `(assert true; ${inner})`,
      `(builtins.seq ${this.expression(this.pick(types), depth - 2)} ${inner})`,
    ]);
  }

  private operation(type: Type, depth: number): string {
    const e = (wanted: Type): string => this.expression(wanted, depth - 1);
    if (this.random(3) === 0) return this.pick(templates[type])(this.maker(e));
    switch (type) {
      case 'int':
        return this.intOperation(e);
      case 'bool':
        return this.boolOperation(e);
      case 'string':
        return this.stringOperation(e);
      case 'list':
        return this.listOperation(e, depth);
      case 'set':
        return this.setOperation(e, depth);
      case 'float':
        return this.pick([
          () => `(${e('float')} + ${e('int')})`,
          () => `(${e('float')} * ${e('float')})`,
          () => `(${e('int')} - ${e('float')})`,
          () => `(builtins.fromJSON ${quote('1.5e3')})`,
        ])();
      case 'null':
        return this.pick([() => 'null', () => `(builtins.match "x" ${quote('y')})`])();
    }
  }

  private maker(e: (type: Type) => string): Maker {
    return {
      e,
      anyType: () => this.pick(types),
      pick: (items) => this.pick(items),
      random: (limit) => this.random(limit),
      fresh: () => `g${this.fresh++}`,
      scoped: (name, type, make) => this.scoped(name, type, make),
    };
  }

  private intOperation(e: (type: Type) => string): string {
    return this.pick([
      () => `(${e('int')} + ${e('int')})`,
      () => `(${e('int')} - ${e('int')})`,
      () => `(${e('int')} * 3)`,
      () => `(${e('int')} / ${e('int')})`,
      () => `(builtins.stringLength ${e('string')})`,
      () => `(builtins.length ${e('list')})`,
      () => `(builtins.foldl' (acc: x: acc + 1) 0 ${e('list')})`,
      () => `(builtins.compareVersions ${e('string')} ${e('string')})`,
      () => `(builtins.bitXor ${e('int')} ${e('int')})`,
      () => `(builtins.bitAnd ${e('int')} ${e('int')})`,
      () => `(-${e('int')})`,
    ])();
  }

  private boolOperation(e: (type: Type) => string): string {
    const type = this.pick(types);
    return this.pick([
      () => `(${e(type)} == ${e(type)})`,
      () => `(${e(type)} != ${e(this.pick(types))})`,
      () => `(${e('int')} < ${e('float')})`,
      () => `(${e('string')} <= ${e('string')})`,
      () => `(${e('bool')} && ${e('bool')})`,
      () => `(${e('bool')} || ${e('bool')})`,
      () => `(${e('bool')} -> ${e('bool')})`,
      () => `(!${e('bool')})`,
      () => `(${e('set')} ? ${quote(this.pick(names))})`,
      () => `(builtins.elem ${e(type)} ${e('list')})`,
      () => `(builtins.isAttrs ${e(type)})`,
      () => `(builtins.any (x: x == 1) ${e('list')})`,
      () => `(builtins.all builtins.isInt ${e('list')})`,
      () => `(builtins.tryEval ${e(type)}).success`,
      () => `(builtins.tryEval (throw "no")).success`,
      () => `(builtins.hasContext ${e('string')})`,
    ])();
  }

  private stringOperation(e: (type: Type) => string): string {
    const regex = quote(this.pick(regexes));
    return this.pick([
      () => `(${e('string')} + ${e('string')})`,
      () => `"<\${${e('string')}}|\${toString ${e('int')}}>"`,
      () => `(toString ${e(this.pick(['int', 'bool', 'string', 'list', 'float', 'null']))})`,
      () => `(builtins.substring ${this.random(4)} ${this.random(6) - 1} ${e('string')})`,
      () => `(builtins.concatStringsSep ${e('string')} [ ${e('string')} ${e('string')} ])`,
      () =>
        `(builtins.replaceStrings [ ${quote(this.pick(texts))} "b" ] [ ${quote(this.pick(texts))} "Z" ] ${e('string')})`,
      () => {
        const value = e(this.pick(['int', 'bool', 'string', 'null']));
        return `(let j = ${value}; in builtins.toJSON (if builtins.isString j then j else toString j))`;
      },
      () => `(builtins.toXML ${e(this.pick(types))})`,
      () => `(builtins.typeOf ${e(this.pick(types))})`,
      () => `(builtins.hashString "sha256" ${e('string')})`,
      () => `(builtins.baseNameOf ${e('string')})`,
      () => `(builtins.dirOf ${e('string')})`,
      () => `(builtins.toJSON (builtins.match ${regex} ${e('string')}))`,
      () => `(builtins.toJSON (builtins.split ${regex} ${e('string')}))`,
      () => `(builtins.parseDrvName ${e('string')}).version`,
      () => `''\n  \${${e('string')}}\n    indented ''\${x}\n''`,
    ])();
  }

  private listOperation(e: (type: Type) => string, depth: number): string {
    const name = `e${this.fresh++}`;
    const body = (type: Type): string =>
      this.scoped(name, 'int', () => this.expression(type, depth - 2));
    return this.pick([
      () => `(${e('list')} ++ ${e('list')})`,
      () => `[ ${e(this.pick(types))} ${e(this.pick(types))} ]`,
      () => `(map (${name}: ${body(this.pick(types))}) ${e('list')})`,
      () => `(builtins.filter (${name}: ${body('bool')}) ${e('list')})`,
      () => `(builtins.genList (${name}: ${body(this.pick(types))}) ${this.random(4)})`,
      () => `(builtins.concatMap (${name}: ${body('list')}) ${e('list')})`,
      () => `(builtins.concatLists [ ${e('list')} ${e('list')} ])`,
      () => `(builtins.sort builtins.lessThan ${e('list')})`,
      () => `(builtins.sort (a: b: a < b) [ ${e('int')} ${e('int')} ${e('float')} ${e('int')} ])`,
      () => `(builtins.attrNames ${e('set')})`,
      () => `(builtins.attrValues ${e('set')})`,
      () => `(builtins.catAttrs "a" [ ${e('set')} ${e('set')} ])`,
      () => `(builtins.splitVersion ${e('string')})`,
      () => `(builtins.fromJSON (builtins.toJSON [ "${'$'}{${e('string')}}" (${e('bool')} == true) ]))`,
      () =>
        `(builtins.genericClosure { startSet = [ { key = ${e('int')}; } ];` +
        ` operator = x: if x.key > 40 || x.key < 0 then [ ] else [ { key = x.key * 2 + 1; } ]; })`,
    ])();
  }

  private setOperation(e: (type: Type) => string, depth: number): string {
    const name = quote(this.pick(names));
    const parameter = `f${this.fresh++}`;
    const body = this.scoped(parameter, 'string', () =>
      this.expression(this.pick(types), depth - 2),
    );
    return this.pick([
      () => `(${e('set')} // ${e('set')})`,
      () => `{ ${name} = ${e(this.pick(types))}; z = ${e(this.pick(types))}; }`,
      () => `{ \${${e('string')}} = ${e(this.pick(types))}; }`,
      () => `(builtins.mapAttrs (${parameter}: value: ${body}) ${e('set')})`,
      () => `(removeAttrs ${e('set')} [ "a" ${name} ])`,
      () => `(builtins.intersectAttrs ${e('set')} ${e('set')})`,
      () =>
        `(builtins.listToAttrs [ { name = ${e('string')}; value = ${e('int')}; }` +
        ` { name = "a"; value = ${e('string')}; } ])`,
      () => `(builtins.zipAttrsWith (${parameter}: values: values) [ ${e('set')} ${e('set')} ])`,
      () => `(builtins.groupBy (x: builtins.typeOf x) ${e('list')})`,
      () => `(builtins.partition builtins.isInt ${e('list')})`,
      () => `(builtins.functionArgs ({ a, b ? ${e('int')} }: a))`,
      () => `(builtins.parseDrvName ${e('string')})`,
      () => `(rec { p = ${e('int')}; q = p + 1; })`,
      () => `(let s = ${e('set')}; in { inherit s; inherit (s) ; })`,
    ])();
  }
}

function quote(text: string): string {
  return `"${text.replaceAll('${', '\\${')}"`;
}
