/**
 * Builtins on attribute sets.
 *
 * Attributes that pass through keep their positions, because option documentation asks for them.
 */

import { originOf, type Position } from '#diagnostics';
import { suspendNamedCalls, suspendPlainNamedCalls } from '../applied-thunk.ts';
import { Attrs, emptyAttrs, type AttrsEntry } from '../attrs.ts';
import { forceAttrs, forceFunction, forceList, forceStringNoContext } from '../coerce.ts';
import { missingAttribute, typeError } from '../errors.ts';
import { lazyPositionValue } from '../position-value.ts';
import { printAttributeName } from '../print.ts';
import { force } from '../thunk.ts';
import { Lambda, PrimOp, PrimOpApp, type Slot, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';

export const attrsets: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'attrNames',
    args: ['set'],
    doc: 'The names of the attributes of *set*, in ascending order.',
    run: (_, set) =>
      forceAttrs(set, 0, 'while evaluating the argument passed to builtins.attrNames')
        .names()
        .slice(),
  }),
  definePrimOp({
    name: 'attrValues',
    args: ['set'],
    doc: 'The values of the attributes of *set*, in the order of their names.',
    run: (_, set) =>
      forceAttrs(
        set,
        0,
        'while evaluating the argument passed to builtins.attrValues',
      ).slots.slice(),
  }),
  definePrimOp({
    name: 'getAttr',
    args: ['name', 'set'],
    doc: 'The attribute called *name* of *set*; `set.${name}` says the same.',
    run: (_, name, set) => {
      const wanted = forceStringNoContext(
        name,
        0,
        'while evaluating the first argument passed to builtins.getAttr',
      );
      const attrs = forceAttrs(
        set,
        0,
        'while evaluating the second argument passed to builtins.getAttr',
      );
      return force(requireAttr(attrs, wanted, 'in the attribute set under consideration'));
    },
  }),
  definePrimOp({
    name: 'unsafeGetAttrPos',
    args: ['name', 'set'],
    doc:
      'Where the attribute called *name* of *set* was defined: a set of `file`, `line` and' +
      ' `column`, or `null` when that is not known. Results should not depend on it.',
    run: (_, name, set) => {
      const wanted = forceStringNoContext(
        name,
        0,
        'while evaluating the first argument passed to builtins.unsafeGetAttrPos',
      );
      const attrs = forceAttrs(
        set,
        0,
        'while evaluating the second argument passed to builtins.unsafeGetAttrPos',
      );
      const position = attrs.positionOf(wanted);
      const origin = originOf(position);
      return origin?.kind === 'file' ? lazyPositionValue(position, origin.path) : null;
    },
  }),
  definePrimOp({
    name: 'hasAttr',
    args: ['name', 'set'],
    doc: 'Whether *set* has an attribute called *name*; `set ? ${name}` says the same.',
    run: (_, name, set) => {
      const wanted = forceStringNoContext(
        name,
        0,
        'while evaluating the first argument passed to builtins.hasAttr',
      );
      return forceAttrs(
        set,
        0,
        'while evaluating the second argument passed to builtins.hasAttr',
      ).has(wanted);
    },
  }),
  definePrimOp({
    name: 'removeAttrs',
    args: ['set', 'list'],
    global: true,
    doc: '*set* without the attributes whose names are in *list*. Names it does not have are fine.',
    run: (_, set, list) => {
      const attrs = forceAttrs(
        set,
        0,
        'while evaluating the first argument passed to builtins.removeAttrs',
      );
      const names = forceList(
        list,
        0,
        'while evaluating the second argument passed to builtins.removeAttrs',
      );
      return removeAttrs(attrs, names);
    },
  }),
  definePrimOp({
    name: 'listToAttrs',
    args: ['list'],
    doc:
      'A set from a *list* of sets with `name` and `value`. Of several with the same name the' +
      ' first counts.',
    run: (_, list) => listToAttrs(list),
  }),
  definePrimOp({
    name: 'intersectAttrs',
    args: ['a', 'b'],
    doc: 'The attributes of *b* whose names *a* has too.',
    run: (_, a, b) => {
      const left = forceAttrs(
        a,
        0,
        'while evaluating the first argument passed to builtins.intersectAttrs',
      );
      const right = forceAttrs(
        b,
        0,
        'while evaluating the second argument passed to builtins.intersectAttrs',
      );
      return intersect(left, right);
    },
  }),
  definePrimOp({
    name: 'catAttrs',
    args: ['name', 'list'],
    doc: 'The attribute called *name* of each set in *list* that has it.',
    run: (_, name, list) => {
      const wanted = forceStringNoContext(
        name,
        0,
        'while evaluating the first argument passed to builtins.catAttrs',
      );
      const items = forceList(
        list,
        0,
        'while evaluating the second argument passed to builtins.catAttrs',
      );
      const result: Slot[] = [];
      for (let i = 0; i < items.length; i++) {
        const attrs = forceAttrs(
          items[i]!,
          0,
          'while evaluating an element in the list passed as second argument to builtins.catAttrs',
        );
        const found = attrs.get(wanted);
        if (found !== undefined) result.push(found);
      }
      return result;
    },
  }),
  definePrimOp({
    name: 'functionArgs',
    args: ['f'],
    doc:
      'The names that the set pattern of the function *f* lists, each with `true` if it has a' +
      ' default and `false` if not. Empty for a function with a plain parameter.',
    run: (_, f) => functionArgs(force(f)),
  }),
  definePrimOp({
    name: 'mapAttrs',
    args: ['f', 'set'],
    doc: 'The set of `f name value` for each attribute of *set*; each is computed when wanted.',
    run: (_, f, set) => {
      const attrs = forceAttrs(
        set,
        0,
        'while evaluating the second argument passed to builtins.mapAttrs',
      );
      return attrs.withNewSlots(suspendPlainNamedCalls(f, attrs.names(), attrs.slots));
    },
  }),
  definePrimOp({
    name: 'zipAttrsWith',
    args: ['f', 'list'],
    doc:
      'Joins the sets in *list*: for each name that any of them has, `f name values`, where' +
      ' *values* lists what the sets have under that name, in the order of the list.',
    run: (_, f, list) => zipAttrsWith(f, list),
  }),
];

/** The slot of an attribute that must be there; `text` is the frame if it is not. */
export function requireAttr(attrs: Attrs, name: string, text: string): Slot {
  const slot = attrs.get(name);
  if (slot !== undefined) return slot;
  const error = missingAttribute(printAttributeName(name), 0);
  throw text === '' ? error : error.addTrace(0, text);
}

function removeAttrs(attrs: Attrs, names: readonly Slot[]): Attrs {
  const text =
    'while evaluating the values of the second argument passed to builtins.removeAttrs';
  if (names.length === 0) return attrs;
  if (names.length === 1) return attrs.without(forceStringNoContext(names[0]!, 0, text));
  const gone = new Set<number>();
  for (let i = 0; i < names.length; i++) {
    const index = attrs.indexOf(forceStringNoContext(names[i]!, 0, text));
    if (index >= 0) gone.add(index);
  }
  if (gone.size === 0) return attrs;
  const keep: number[] = [];
  for (let i = 0; i < attrs.size; i++) if (!gone.has(i)) keep.push(i);
  return attrs.restrict(keep);
}

function listToAttrs(list: Slot): Attrs {
  const items = forceList(
    list,
    0,
    'while evaluating the argument passed to builtins.listToAttrs',
  );
  const missing = 'in a {name=...; value=...;} pair';
  const sets = new Map<string, Attrs>();
  for (let i = 0; i < items.length; i++) {
    const item = forceAttrs(
      items[i]!,
      0,
      'while evaluating an element of the list passed to builtins.listToAttrs',
    );
    const name = forceStringNoContext(
      requireAttr(item, 'name', missing),
      item.positionOf('name'),
      'while evaluating the `name` attribute of an element of the list passed to' +
        ' builtins.listToAttrs',
    );
    if (!sets.has(name)) sets.set(name, item);
  }
  const names: string[] = [];
  const slots: Slot[] = [];
  const positions: Position[] = [];
  for (const [name, item] of sets) {
    const at = item.indexOf('value');
    if (at < 0) requireAttr(item, 'value', missing);
    names.push(name);
    slots.push(item.slotAt(at));
    positions.push(item.positionAt(at));
  }
  return Attrs.fromNames(names, slots, positions);
}

function intersect(left: Attrs, right: Attrs): Attrs {
  const keep: number[] = [];
  if (left.size < right.size) {
    for (let i = 0; i < left.size; i++) {
      const index = right.indexOf(left.nameAt(i));
      if (index >= 0) keep.push(index);
    }
  } else {
    for (let i = 0; i < right.size; i++) if (left.has(right.nameAt(i))) keep.push(i);
  }
  return right.restrict(keep);
}

/** `functionArgs` of one lambda expression is always the same set. */
const knownArguments = new WeakMap<object, Attrs>();

function functionArgs(f: Value): Attrs {
  if (f instanceof PrimOp || f instanceof PrimOpApp) return emptyAttrs;
  if (!(f instanceof Lambda)) throw typeError("'functionArgs' requires a function");
  // Before the last parameter there are only plain ones.
  if (f.arity > 1 || f.info.formals === undefined) return emptyAttrs;
  let known = knownArguments.get(f.info);
  if (known === undefined) {
    known = Attrs.fromEntries(
      f.info.formals.map((formal): AttrsEntry => [
        formal.name,
        formal.hasDefault,
        formal.position,
      ]),
    );
    knownArguments.set(f.info, known);
  }
  // A set of its own each time: printing tells sets apart by identity.
  return known.withSlots(known.slots.slice());
}

function zipAttrsWith(f: Slot, list: Slot): Attrs {
  const fn = forceFunction(
    f,
    0,
    'while evaluating the first argument passed to builtins.zipAttrsWith',
  );
  const items = forceList(
    list,
    0,
    'while evaluating the second argument passed to builtins.zipAttrsWith',
  );
  const values = new Map<string, Slot[]>();
  for (let i = 0; i < items.length; i++) {
    const attrs = forceAttrs(
      items[i]!,
      0,
      'while evaluating a value of the list passed as second argument to builtins.zipAttrsWith',
    );
    for (let j = 0; j < attrs.size; j++) {
      const name = attrs.nameAt(j);
      const known = values.get(name);
      if (known === undefined) values.set(name, [attrs.slotAt(j)]);
      else known.push(attrs.slotAt(j));
    }
  }
  const names = [...values.keys()];
  // Copied, because an array that grew has room to spare.
  const groups = [...values.values()].map((group) => group.length === 1 ? group : group.slice());
  return Attrs.fromNames(names, suspendNamedCalls(fn, names, groups));
}
