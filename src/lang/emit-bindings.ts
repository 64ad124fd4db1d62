/**
 * JavaScript for sets and `let`.
 *
 * The variables of a `let` or `rec` are variables of the JavaScript function around it, assigned one
 * after the other; a binding that nothing refers to is not emitted in a `let`. The names of a set
 * are sorted here, so that at run time a set is a shape and an array.
 */

import type { Emitter, FunctionContext } from './emit.ts';
import type { Scope, Variable } from './scope.ts';
import type { AttrsExpr, Binding, Expr, LetExpr } from './tree.ts';

/** From this size on, the code of a set's attributes is compiled in chunks, when wanted. */
const largeSet = 100;

/** Bytes of source from which on a value's code is compiled by itself, when wanted. */
const longValue = 1500;

/** A set. */
export function emitAttrs(
  emitter: Emitter,
  set: AttrsExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  if (set.attrs.size === 0 && set.dynamic.length === 0) return 'E';
  if (set.recursive) return emitRecursive(emitter, set, scope, fn);
  const sources = emitSources(emitter, set, scope, fn);
  const slots = new Map<string, string>();
  const isLarge = set.attrs.size >= largeSet;
  for (const [name, binding] of set.attrs) {
    const slot =
      isLarge && binding.kind === 'plain'
        ? chunkedSlot(emitter, binding, scope, fn, 'shared')
        : bindingSlot(emitter, binding, scope, scope, sources, fn);
    slots.set(name, slot);
  }
  const value = literal(emitter, set, slots);
  const head = sources.map((source) => source.assignment).filter((code) => code !== '');
  const whole = withDynamic(emitter, set, value, scope, fn);
  return head.length === 0 ? whole : `(${head.join(',')},${whole})`;
}

/** The set itself from the slots of its names. */
function literal(emitter: Emitter, set: AttrsExpr, slots: ReadonlyMap<string, string>): string {
  if (slots.size === 0) return 'E';
  const names = [...slots.keys()].sort((a, b) => (a < b ? -1 : 1));
  const offsets = names.map((name) => set.attrs.get(name)!.at);
  const shape = emitter.once('s', `H(B,${JSON.stringify(names)},[${offsets.join(',')}])`);
  return `new A(${shape},[${names.map((name) => slots.get(name)).join(',')}])`;
}

function withDynamic(
  emitter: Emitter,
  set: AttrsExpr,
  value: string,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  if (set.dynamic.length === 0) return value;
  const names = set.dynamic.map((d) => emitter.strict(d.name, scope, fn));
  const slots = set.dynamic.map((d) => emitter.lazy(d.value, scope, fn));
  const places = set.dynamic.map((d) => emitter.at(d.at));
  return `dyn(${value},[${names.join(',')}],[${slots.join(',')}],[${places.join(',')}])`;
}

function chunkedSlot(
  emitter: Emitter,
  binding: Binding,
  scope: Scope | undefined,
  fn: FunctionContext,
  kind: 'shared' | 'own',
): string {
  return emitter.isDirect(binding.value, scope, fn)
    ? emitter.lazy(binding.value, scope, fn)
    : emitter.chunkThunk((inner) => emitter.strict(binding.value, scope, inner), kind);
}

interface Source {
  /** Slot of the source. */
  readonly code: string;
  /** Code that fills it, or empty. */
  readonly assignment: string;
}

/** The sources of `inherit (source)`; one that is not a plain variable gets a variable. */
function emitSources(
  emitter: Emitter,
  set: AttrsExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): Source[] {
  return set.sources.map((source) => {
    const code = emitter.lazy(source, scope, fn);
    if (/^\w+$/.test(code)) return { code, assignment: '' };
    const name = emitter.fresh('f');
    fn.variables.push(name);
    return { code: name, assignment: `${name}=${code}` };
  });
}

function bindingSlot(
  emitter: Emitter,
  binding: Binding,
  inner: Scope | undefined,
  outer: Scope | undefined,
  sources: readonly Source[],
  fn: FunctionContext,
): string {
  switch (binding.kind) {
    case 'plain':
      return binding.size >= longValue
        ? chunkedSlot(emitter, binding, inner, fn, 'own')
        : emitter.lazy(binding.value, inner, fn);
    case 'inherited':
      return emitter.lazy(binding.value, outer, fn);
    case 'inheritedFrom':
      return emitter.options.traced
        ? emitter.thunk(() => inheritedFrom(emitter, binding.value, sources))
        : suspendedInherit(emitter, binding.value, sources);
  }
}

function suspendedInherit(emitter: Emitter, value: Expr, sources: readonly Source[]): string {
  if (value.kind !== 'select' || value.subject.kind !== 'inheritFrom') {
    throw new Error('an inherited attribute is a selection');
  }
  const source = emitter.read(sources[value.subject.index]!.code);
  return `J(${source},${JSON.stringify(value.path[0])},${emitter.at(value.at)})`;
}

function inheritedFrom(emitter: Emitter, value: Expr, sources: readonly Source[]): string {
  if (value.kind !== 'select' || value.subject.kind !== 'inheritFrom') {
    throw new Error('an inherited attribute is a selection');
  }
  const source = emitter.read(sources[value.subject.index]!.code);
  const name = JSON.stringify(value.path[0]);
  const from = emitter.options.traced
    ? `tr(()=>F(${source},${emitter.at(value.subject.at)}),${emitter.at(value.subject.at)},"while selecting an attribute")`
    : `F(${source},${emitter.at(value.subject.at)})`;
  return `S(${from},${name},${emitter.at(value.at)})`;
}

interface Group {
  readonly inner: Scope;
  readonly variables: Map<string, Variable>;
}

function openGroup(
  emitter: Emitter,
  set: AttrsExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): Group {
  const variables = new Map<string, Variable>();
  for (const name of set.attrs.keys()) {
    variables.set(name, {
      code: emitter.fresh('v'),
      owner: fn,
      ready: false,
      isValue: false,
      used: false,
    });
  }
  return { inner: { kind: 'names', up: scope, names: variables }, variables };
}

interface GroupCode {
  /** Assignments of the sources of `inherit (source)`. */
  readonly head: readonly string[];
  readonly slots: ReadonlyMap<string, string>;
}

/**
 * Code for each binding of a recursive group, in the order of the text. With `replaceable`, each
 * is a thunk that reads the variables when it runs, so that they can still be replaced.
 */
function emitGroup(
  emitter: Emitter,
  set: AttrsExpr,
  group: Group,
  scope: Scope | undefined,
  fn: FunctionContext,
  replaceable: boolean,
): GroupCode {
  const sources = emitSources(emitter, set, group.inner, fn);
  const slots = new Map<string, string>();
  const isLarge = set.attrs.size >= largeSet;
  // A lambda can be made at once and is never a thunk.
  const isLambda = (binding: Binding): boolean =>
    !replaceable && binding.kind === 'plain' && binding.value.kind === 'lambda';
  for (const [name, binding] of set.attrs) {
    if (isLambda(binding)) group.variables.get(name)!.isValue = true;
  }
  for (const [name, binding] of set.attrs) {
    const code =
      replaceable && binding.kind === 'plain'
        ? emitter.thunk((inner) => emitter.strict(binding.value, group.inner, inner))
        : isLarge && binding.kind === 'plain'
          ? chunkedSlot(emitter, binding, group.inner, fn, 'shared')
          : bindingSlot(emitter, binding, group.inner, scope, sources, fn);
    slots.set(name, code);
    group.variables.get(name)!.ready = true;
  }
  const head = sources.map((source) => source.assignment).filter((code) => code !== '');
  return { head, slots };
}

function emitRecursive(
  emitter: Emitter,
  set: AttrsExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  const overrides = set.attrs.has('__overrides');
  const group = openGroup(emitter, set, scope, fn);
  const { head, slots } = emitGroup(emitter, set, group, scope, fn, overrides);
  const steps = [...head];
  const variables = new Map<string, string>();
  for (const [name, variable] of group.variables) {
    fn.variables.push(variable.code);
    steps.push(`${variable.code}=${slots.get(name)}`);
    variables.set(name, variable.code);
  }
  let value = literal(emitter, set, variables);
  if (overrides) {
    const cases = [...variables].map(
      ([name, code]) => `case ${JSON.stringify(name)}:${code}=s;break;`,
    );
    value = `over(${value},(n,s)=>{switch(n){${cases.join('')}}})`;
  }
  const whole = withDynamic(emitter, set, value, group.inner, fn);
  return steps.length === 0 ? whole : `(${steps.join(',')},${whole})`;
}

/** `let … in body`; bindings that nothing refers to are left out. */
export function emitLet(
  emitter: Emitter,
  expr: LetExpr,
  scope: Scope | undefined,
  fn: FunctionContext,
): string {
  const group = openGroup(emitter, expr.bindings, scope, fn);
  const { head, slots } = emitGroup(emitter, expr.bindings, group, scope, fn, false);
  const body = emitter.strict(expr.body, group.inner, fn);
  const steps = [...head];
  for (const [name, variable] of group.variables) {
    if (!variable.used) continue;
    fn.variables.push(variable.code);
    steps.push(`${variable.code}=${slots.get(name)}`);
  }
  return steps.length === 0 ? body : `(${steps.join(',')},${body})`;
}
