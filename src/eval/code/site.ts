/**
 * Sites: places of a tree where something is suspended, or run later if at all.
 *
 * Most of a tree never runs, so a site holds the bare expression and compiles it when its code is
 * first wanted. A thunk is then a pair: its site, and the frame that its variables stand in. What
 * costs nothing to evaluate is not suspended: `makeSlot` gives constants, variables and attributes
 * of sets that are known already as they are.
 *
 * Invariant: `makeSlot` never forces anything and never fails.
 */

import type { Expr, InheritFromExpr } from '#lang';
import {
  forceWithTrace,
  type FrameCode,
  inheritedSlot,
  knownAttribute,
  knownAttributePath,
  select,
  shortcutAt,
  type Slot,
  Thunk,
  type Value,
} from '#runtime';
import { compile } from './compile.ts';
import { type Body, type Frame, frameAt } from './frame.ts';
import type { Unit } from './unit.ts';

/** How the slot of a site is made. */
export const Making = {
  /** A thunk. */
  thunk: 0,
  /** `data` itself. */
  constant: 1,
  /** The variable at `slot` of the frame. */
  own: 2,
  /** The variable at `slot` of the frame `level` out. */
  outer: 3,
  /** Attribute `data` of a variable. */
  select: 4,
  /** Attribute path `data` of a variable. */
  selectPath: 5,
  /** Attribute `data` of the innermost `with`, `level` out. */
  lookup: 6,
  /** The value: it costs nothing to make. */
  now: 7,
  /** Attribute `data` of source `slot` of the set. */
  inherit: 8,
} as const;

export type MakingKind = (typeof Making)[keyof typeof Making];

export class Site implements FrameCode {
  readonly unit: Unit;
  readonly making: MakingKind;
  readonly data: unknown;
  readonly level: number;
  readonly slot: number;
  expr: Expr | undefined;
  private body: Body | undefined;

  constructor(
    unit: Unit,
    expr: Expr | undefined,
    making: MakingKind = Making.thunk,
    data: unknown = undefined,
    level = 0,
    slot = 0,
  ) {
    this.unit = unit;
    this.making = making;
    this.data = data;
    this.level = level;
    this.slot = slot;
    this.expr = expr;
    this.body = undefined;
  }

  /** The value of the expression in a frame. */
  run(frame: Frame): Value {
    const { body } = this;
    return body === undefined ? this.prepare()(frame) : body(frame);
  }

  private prepare(): Body {
    const body = compile(this.unit, this.expr!);
    this.body = body;
    // The tree below is not wanted any more.
    this.expr = undefined;
    return body;
  }
}

/** The slot of a site in a frame. `sources` are those of the set around an inherited attribute. */
export function makeSlot(site: Site, frame: Frame, sources?: readonly Slot[]): Slot {
  switch (site.making) {
    case Making.thunk:
      return new Thunk(site, frame);
    case Making.constant:
      return site.data as Slot;
    case Making.own:
      return variableSlot(site, frame, frame);
    case Making.outer:
      return variableSlot(site, frame, frameAt(frame, site.level));
    case Making.now:
      return site.run(frame);
    default:
      return makeSelected(site, frame, sources);
  }
}

/** The slot of a variable that stands in the frame `home`. */
function variableSlot(site: Site, frame: Frame, home: Frame): Slot {
  if (home[site.slot] === undefined) return new Thunk(site, frame);
  return shortcutAt(home as Slot[], site.slot);
}

function makeSelected(site: Site, frame: Frame, sources: readonly Slot[] | undefined): Slot {
  let found: Slot | undefined;
  if (site.making === Making.inherit) {
    const source = sources![site.slot]!;
    return site.expr === undefined
      ? inheritedSlot(source, site.data as string, site.level)
      : tracedInherit(site, site.expr, source);
  }
  if (site.making === Making.lookup) {
    const scope = frameAt(frame, site.level)[1] as Slot | undefined;
    found = scope === undefined ? undefined : knownAttribute(scope, site.data as string);
  } else {
    const subject = frameAt(frame, site.level)[site.slot] as Slot | undefined;
    if (subject === undefined) found = undefined;
    else if (site.making === Making.select) found = knownAttribute(subject, site.data as string);
    else found = knownAttributePath(subject, site.data as readonly string[]);
  }
  return found === undefined ? new Thunk(site, frame) : found;
}

/** With frames for traces. Such sites keep their expression. */
function tracedInherit(site: Site, expr: Expr, source: Slot): Slot {
  const at = site.unit.at((expr as InheritFromExpr).at);
  return new Thunk(() => {
    const from = forceWithTrace(source, at, 'while selecting an attribute');
    return select(from, site.data as string, site.level);
  });
}
