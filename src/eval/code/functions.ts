/**
 * Code for functions.
 *
 * Plain parameters in a row take their arguments at once, into one frame; a set pattern may be the
 * last of them. Formals that no variable means are not read from the argument.
 */

import { type FormalParameter, type LambdaExpr, parameterRow } from '#lang';
import {
  argumentSet,
  Lambda,
  type LambdaBody,
  type LambdaInfo,
  linkLambdaInfos,
  makeLambdaInfo,
  planFor,
  shortcutAt,
  type Slot,
} from '#runtime';
import { type Body, type Frame, frameTemplate } from './frame.ts';
import { lazy } from './lazy.ts';
import { makeSlot, Site } from './site.ts';
import { stepped } from './stepping.ts';
import type { Unit } from './unit.ts';

/** A `Lambda` object. */
export function compileLambda(unit: Unit, expr: LambdaExpr): Body {
  const row = parameterRow(expr, unit.traced);
  const arity = row.length;
  const last = row[arity - 1]!;
  const infos = row.map((one) => infoOf(unit, one)) as [LambdaInfo, ...LambdaInfo[]];
  const info = linkLambdaInfos(...infos);
  const code = last.formals === undefined
    ? plainCode(bodyOf(unit, last), arity)
    : patternCode(unit, last, arity - 1, infos[arity - 1]!);
  return (frame) => new Lambda(code as LambdaBody, frame, arity, info);
}

/** The body of a function, in its frame. */
function bodyOf(unit: Unit, expr: LambdaExpr): Pick<Site, 'run'> {
  const site = new Site(unit, expr.body);
  if (unit.resolution.scopes === undefined) return site;
  const text = `while calling ${expr.name === undefined ? 'anonymous lambda' : `'${expr.name}'`}`;
  return { run: stepped(unit, expr, unit.at(expr.at), text, (frame) => site.run(frame)) };
}

type Code = (frame: Frame, ...args: Slot[]) => ReturnType<Body>;

function plainCode(body: Pick<Site, 'run'>, arity: number): Code {
  switch (arity) {
    case 1:
      return (frame, a) => body.run([frame, a]);
    case 2:
      return (frame, a, b) => body.run([frame, a, b]);
    case 3:
      return (frame, a, b, c) => body.run([frame, a, b, c]);
    default:
      return (frame, ...args) => body.run([frame, ...args]);
  }
}

/** A formal that some variable means. */
interface UsedFormal {
  /** Among the formals sorted by name. */
  readonly index: number;
  readonly slot: number;
  readonly fallback: Site | undefined;
}

/** Code of a function whose last parameter, after `plain` others, is a set pattern. */
function patternCode(unit: Unit, expr: LambdaExpr, plain: number, info: LambdaInfo): Code {
  const body = bodyOf(unit, expr);
  const template = frameTemplate(expr.frameSize);
  const used: UsedFormal[] = [];
  sortFormals(expr.formals!).forEach(({ slot, fallback }, index) => {
    if (slot === 0) return;
    used.push({ index, slot, fallback: fallback === undefined ? undefined : lazy(unit, fallback) });
  });
  const { argumentSlot } = expr;
  const bind = (frame: Frame, argument: Slot): void => {
    const set = argumentSet(argument, info);
    const plan = planFor(info, set);
    if (argumentSlot !== 0) frame[argumentSlot] = set;
    let missing = false;
    for (let i = 0; i < used.length; i++) {
      const { index, slot } = used[i]!;
      const place = plan[index]!;
      if (place < 0) missing = true;
      else frame[slot] = shortcutAt(set.slots, place);
    }
    if (missing) bindDefaults(frame, used, plan);
  };
  if (plain === 0) {
    return (outer, argument) => {
      const frame = template.slice();
      frame[0] = outer;
      bind(frame, argument!);
      return body.run(frame);
    };
  }
  return (outer, ...args) => {
    const frame = template.slice();
    frame[0] = outer;
    for (let i = 0; i < plain; i++) frame[i + 1] = args[i];
    bind(frame, args[plain]!);
    return body.run(frame);
  };
}

function bindDefaults(frame: Frame, used: readonly UsedFormal[], plan: ArrayLike<number>): void {
  for (const { index, slot, fallback } of used) {
    if (plan[index]! < 0) frame[slot] = makeSlot(fallback!, frame);
  }
}

function infoOf(unit: Unit, expr: LambdaExpr): LambdaInfo {
  const formals = expr.formals === undefined ? undefined : sortFormals(expr.formals);
  return makeLambdaInfo(
    unit.at(expr.at),
    expr.name,
    expr.argument,
    formals?.map(({ name, at, fallback }) => ({
      name,
      hasDefault: fallback !== undefined,
      position: unit.at(at),
    })),
    expr.ellipsis,
  );
}

function sortFormals(formals: readonly FormalParameter[]): FormalParameter[] {
  return [...formals].sort((a, b) => (a.name < b.name ? -1 : 1));
}
