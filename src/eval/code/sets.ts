/**
 * Code for sets and `let`.
 *
 * The names of a set are sorted when its code is made, so that at run time a set is a shape and an
 * array. The variables of a `let` or `rec` stand in a frame of their own; a binding that no variable
 * means has no place in it, and in a `let` no slot at all.
 */

import type { AttrsExpr, Binding, LetExpr } from '#lang';
import {
  addDynamic,
  applyOverrides,
  Attrs,
  emptyAttrs,
  Shape,
  type Slot,
} from '#runtime';
import { compile } from './compile.ts';
import { type Body, type Frame, frameTemplate } from './frame.ts';
import { lazy } from './lazy.ts';
import { makeSlot, Making, Site } from './site.ts';
import { stepped } from './stepping.ts';
import type { Unit } from './unit.ts';

const overridesName = '__overrides';

/** A set. */
export function compileAttrs(unit: Unit, set: AttrsExpr): Body {
  if (set.attrs.size === 0 && set.dynamic.length === 0) return () => emptyAttrs;
  const names = [...set.attrs.keys()].sort((a, b) => (a < b ? -1 : 1));
  const places = names.map((name) => unit.at(set.attrs.get(name)!.at));
  const shape = names.length === 0 ? emptyAttrs.shape : new Shape(names, places, true);
  const whole = set.recursive
    ? compileRecursive(unit, set, shape)
    : compileStatic(unit, set, shape);
  return set.dynamic.length === 0 ? whole.body : withDynamic(unit, set, whole);
}

/** Code of a set without its dynamic attributes, and of the frame that these see. */
interface SetCode {
  readonly body: Body;
  readonly open: (frame: Frame) => { readonly set: Attrs; readonly frame: Frame };
}

function compileStatic(unit: Unit, set: AttrsExpr, shape: Shape): SetCode {
  const sites = shape.names.map((name) => bindingSite(unit, set.attrs.get(name)!));
  const sources = set.sources.map((source) => lazy(unit, source));
  const body = staticBody(shape, sites, sources);
  return { body, open: (frame) => ({ set: body(frame) as Attrs, frame }) };
}

function staticBody(shape: Shape, sites: readonly Site[], sources: readonly Site[]): Body {
  if (sites.length === 0) return () => emptyAttrs;
  const template = slotTemplate(sites.length);
  if (sources.length > 0) {
    return (frame) => {
      const from = makeSources(sources, frame);
      const slots = template.slice();
      for (let i = 0; i < sites.length; i++) slots[i] = makeSlot(sites[i]!, frame, from);
      return new Attrs(shape, slots);
    };
  }
  switch (sites.length) {
    case 1: {
      const [a] = sites as [Site];
      return (frame) => new Attrs(shape, [makeSlot(a, frame)]);
    }
    case 2: {
      const [a, b] = sites as [Site, Site];
      return (frame) => new Attrs(shape, [makeSlot(a, frame), makeSlot(b, frame)]);
    }
  }
  return (frame) => {
    const slots = template.slice();
    for (let i = 0; i < sites.length; i++) slots[i] = makeSlot(sites[i]!, frame);
    return new Attrs(shape, slots);
  };
}

function slotTemplate(size: number): Slot[] {
  return frameTemplate(size) as Slot[];
}

function makeSources(sources: readonly Site[], frame: Frame): Slot[] {
  if (sources.length === 1) return [makeSlot(sources[0]!, frame)];
  return sources.map((source) => makeSlot(source, frame));
}

/** One binding of a group whose names are variables. */
interface Member {
  readonly site: Site;
  /** Place in the frame; 0 if no variable means it. */
  readonly place: number;
  /** Index in the set. */
  readonly index: number;
  /** Whether it is meant outside of the group: `inherit x`. */
  readonly outside: boolean;
}

function compileRecursive(unit: Unit, set: AttrsExpr, shape: Shape): SetCode {
  const replaceable = set.attrs.has(overridesName);
  const indices = new Map(shape.names.map((name, i) => [name, i]));
  const members = [...set.attrs].map(([name, binding]): Member => ({
    // What can still be replaced must be read when it is wanted.
    site: replaceable && binding.kind === 'plain'
      ? new Site(unit, binding.value)
      : bindingSite(unit, binding),
    place: binding.slot,
    index: indices.get(name)!,
    outside: binding.kind === 'inherited',
  }));
  const sources = set.sources.map((source) => lazy(unit, source));
  const template = frameTemplate(set.frameSize);
  const slots = slotTemplate(members.length);
  const places = new Map([...set.attrs].map(([name, binding]) => [name, binding.slot]));
  const open = (outer: Frame): { set: Attrs; frame: Frame } => {
    const frame = template.slice();
    frame[0] = outer;
    const own = slots.slice();
    const from = sources.length === 0 ? undefined : makeSources(sources, frame);
    for (let i = 0; i < members.length; i++) {
      const { site, place, index, outside } = members[i]!;
      const slot = makeSlot(site, outside ? outer : frame, from);
      own[index] = slot;
      if (place !== 0) frame[place] = slot;
    }
    const value = own.length === 0 ? emptyAttrs : new Attrs(shape, own);
    return { set: replaceable ? override(value, frame, places) : value, frame };
  };
  return { body: (frame) => open(frame).set, open };
}

function override(set: Attrs, frame: Frame, places: ReadonlyMap<string, number>): Attrs {
  return applyOverrides(set, (name, slot) => {
    const place = places.get(name) ?? 0;
    if (place !== 0) frame[place] = slot;
  });
}

function withDynamic(unit: Unit, expr: AttrsExpr, { open }: SetCode): Body {
  const names = expr.dynamic.map(({ name }) => compile(unit, name));
  const sites = expr.dynamic.map(({ value }) => lazy(unit, value));
  const places = expr.dynamic.map(({ at }) => unit.at(at));
  return (outer) => {
    const { set, frame } = open(outer);
    return addDynamic(
      set,
      names.map((name) => name(frame)),
      sites.map((site) => makeSlot(site, frame)),
      places,
    );
  };
}

/** `let … in body`; bindings that nothing refers to are left out. */
export function compileLet(unit: Unit, expr: LetExpr): Body {
  const { bindings } = expr;
  const members: Member[] = [];
  for (const binding of bindings.attrs.values()) {
    if (binding.slot === 0) continue;
    const site = bindingSite(unit, binding);
    const outside = binding.kind === 'inherited';
    members.push({ site, place: binding.slot, index: 0, outside });
  }
  const sources = bindings.sources.map((source) => lazy(unit, source));
  const body = stepped(
    unit, expr, 0, "while evaluating a 'let' expression", compile(unit, expr.body));
  const template = frameTemplate(bindings.frameSize);
  return (outer) => {
    const frame = template.slice();
    frame[0] = outer;
    const from = sources.length === 0 ? undefined : makeSources(sources, frame);
    for (let i = 0; i < members.length; i++) {
      const { site, place, outside } = members[i]!;
      frame[place] = makeSlot(site, outside ? outer : frame, from);
    }
    return body(frame);
  };
}

function bindingSite(unit: Unit, binding: Binding): Site {
  if (binding.kind !== 'inheritedFrom') return lazy(unit, binding.value);
  const { value } = binding;
  if (value.kind !== 'select' || value.subject.kind !== 'inheritFrom') {
    throw new Error('an inherited attribute is a selection');
  }
  const name = value.path[0] as string;
  const { at, subject } = value;
  const kept = unit.traced || unit.suspendsAll ? subject : undefined;
  return new Site(unit, kept, Making.inherit, name, unit.at(at), subject.index);
}
