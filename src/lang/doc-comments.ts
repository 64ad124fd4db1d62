/**
 * Documentation comments: what stands between `/**` and the end of the comment, right before a
 * function or a binding.
 *
 * A function is documented by the comment before itself, else by that of the function whose body it
 * is, else by that of the binding whose value the outermost of them is. Other comments and white
 * space may stand between. Comments are no part of the tree: they are looked for in the text.
 */

import type { AttrsExpr, Expr, LambdaExpr, Offset } from './tree.ts';

/** The comment before an offset, without its marks and indentation; blank lines at its ends stay. */
export function docCommentBefore(text: string, offset: Offset): string | undefined {
  const head = text.slice(0, offset);
  for (let start = head.lastIndexOf('/**'); start >= 0; start = head.lastIndexOf('/**', start - 1)) {
    const found = commentAtEnd.exec(head.slice(start));
    if (found !== null) return innerText(found[1]!);
    // What is between the two is no comment, so nothing earlier reaches as far.
    if (!onlyComments.test(head.slice(start))) return undefined;
    if (start === 0) break;
  }
  return undefined;
}

/** The comment that documents the function at an offset of a parsed text. */
export function docCommentOfLambda(text: string, tree: Expr, offset: Offset): string | undefined {
  for (const place of placesOf(tree, offset, []) ?? []) {
    const comment = docCommentBefore(text, place);
    if (comment !== undefined) return comment;
  }
  return undefined;
}

const blanks = String.raw`(?:[ \t\r\n]|#[^\r\n]*[\r\n]|/\*(?:[^*]|\*+[^*/])*\*+/)*`;
const commentAtEnd = new RegExp(String.raw`^/\*\*([^/*](?:[^*]|\*+[^*/])*)\*+/${blanks}$`);
const onlyComments = new RegExp(String.raw`^${blanks}$`);

/** Where the comment of the function at `offset` may end, best place first; undefined if it is not there. */
function placesOf(expr: Expr, offset: Offset, outer: readonly Offset[]): readonly Offset[] | undefined {
  switch (expr.kind) {
    case 'lambda': return placesInLambda(expr, offset, outer);
    case 'attrs': return placesInSet(expr, offset);
    case 'let': return placesInSet(expr.bindings, offset) ?? placesOf(expr.body, offset, []);
    default: return firstIn(childrenOf(expr), offset);
  }
}

function placesInLambda(lambda: LambdaExpr, offset: Offset, outer: readonly Offset[]): readonly Offset[] | undefined {
  const places = [lambda.at, ...outer];
  if (lambda.at === offset) return places;
  const fallbacks = (lambda.formals ?? []).flatMap(({ fallback }) => fallback ?? []);
  return placesOf(lambda.body, offset, places) ?? firstIn(fallbacks, offset);
}

function placesInSet(set: AttrsExpr, offset: Offset): readonly Offset[] | undefined {
  for (const { value, at } of [...set.attrs.values(), ...set.dynamic]) {
    const places = placesOf(value, offset, [at]);
    if (places !== undefined) return places;
  }
  return firstIn([...set.sources, ...set.dynamic.map(({ name }) => name)], offset);
}

function firstIn(exprs: readonly Expr[], offset: Offset): readonly Offset[] | undefined {
  for (const expr of exprs) {
    const places = placesOf(expr, offset, []);
    if (places !== undefined) return places;
  }
  return undefined;
}

function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'select': case 'hasAttr': {
      const dynamic = expr.path.filter((name) => typeof name !== 'string');
      const fallback = expr.kind === 'select' && expr.fallback !== undefined ? [expr.fallback] : [];
      return [expr.subject, ...dynamic, ...fallback];
    }
    case 'list': return expr.elements;
    case 'call': return [expr.callee, ...expr.args];
    case 'with': return [expr.scope, expr.body];
    case 'if': return [expr.condition, expr.then, expr.otherwise];
    case 'assert': return [expr.condition, expr.body];
    case 'not': return [expr.operand];
    case 'binary': return [expr.left, expr.right];
    case 'concat': return expr.parts.map(({ value }) => value);
    default: return [];
  }
}

/** Without the indentation that all lines share; the comment's opening counts as three spaces. */
function innerText(comment: string): string {
  const lines = `   ${comment}`.split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const shared = Math.min(...indents);
  return lines.map((line) => line.slice(shared)).join('\n');
}
