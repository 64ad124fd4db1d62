/**
 * What the REPL's `:doc` says: of a builtin, of a function that a documentation comment stands
 * before, of a set that is called like one; else of the attribute that the value was selected as.
 */

import { NixError, resolvePosition, showPosition, type Position } from '#diagnostics';
import { docCommentBefore, docCommentOfLambda, parse, showExpr, type Expr } from '#lang';
import { Attrs, call, force, Lambda, PrimOp, PrimOpApp, type Value } from '#runtime';

/** The documentation of a value; undefined if it has none. */
export function documentValue(value: Value): string | undefined {
  const primOp = value instanceof PrimOpApp ? value.primOp : value;
  if (primOp instanceof PrimOp) return primOp.doc === undefined ? undefined : documentPrimOp(primOp);
  if (value instanceof Lambda) return documentLambda(value);
  const functor = value instanceof Attrs ? value.get('__functor') : undefined;
  if (functor === undefined) return undefined;
  try {
    return documentValue(call(force(functor), value));
  } catch (error) {
    if (error instanceof NixError) error.addTrace(0, "while partially calling '__functor' to retrieve documentation");
    throw error;
  }
}

/** The documentation of the attribute that a text selects, if it selects one that has a place. */
export function documentSelection(
  text: string, directory: string, evaluate: (text: string) => Value,
): string | undefined {
  const { tree } = parse(text, { base: 0, directory, home: undefined, pipes: true });
  if (tree?.kind !== 'select' || tree.fallback !== undefined) return undefined;
  const name = tree.path.at(-1);
  if (typeof name !== 'string') return undefined;
  const path = tree.path.slice(0, -1);
  const subject: Expr = path.length === 0 ? tree.subject : { ...tree, path };
  const set = evaluate(showExpr(subject));
  const position = set instanceof Attrs ? set.positionOf(name) : 0;
  const place = resolvePosition(position);
  if (place === undefined) return undefined;
  const comment = docCommentBefore(place.text, place.offset) ?? 'No documentation found.';
  return `Attribute \`${name}\`\n\n  \xe2\x80\xa6 defined at ${showPosition(position)}\n\n${comment}`;
}

function documentPrimOp({ name, args, doc = '' }: PrimOp): string {
  return `Synopsis: builtins.${name}${args.map((arg) => ` ${arg}`).join('')}\n\n${doc.trim()}`;
}

function documentLambda({ info: { name, position } }: Lambda): string {
  const place = resolvePosition(position) === undefined ? '' : `defined at ${showPosition(position)}`;
  const head = name === undefined ? `Function ${place}` : `Function \`${name}\`\n  \xe2\x80\xa6 ${place}`;
  const comment = commentAt(position);
  return comment === undefined ? head : `${head}\n\n${comment}`;
}

function commentAt(position: Position): string | undefined {
  const place = resolvePosition(position);
  if (place === undefined) return undefined;
  const { tree } = parse(place.text, { base: 0, directory: '/', home: '/', pipes: true });
  return tree === undefined ? undefined : docCommentOfLambda(place.text, tree, place.offset);
}
