/**
 * What the REPL's `:doc` says: of a builtin, of a function that a documentation comment stands
 * before, of a set that is called like one; else of the attribute that the value was selected as.
 */

import { NixError, resolvePosition, showPosition, type Position } from '#diagnostics';
import { docCommentBefore, docCommentOfLambda, parse } from '#lang';
import { Attrs, call, enterCall, force, Lambda, leaveCall, PrimOp, PrimOpApp, type Value } from '#runtime';

/** Markdown, a byte string. */
export interface Documentation {
  readonly head: string;
  readonly text: string;
}

/** As it is shown: the source itself, or for the eye. */
export function showDocumentation({ head, text }: Documentation, raw: boolean): string {
  return raw ? `${head}\n\n${text}`.trim() : `${head.replace('\\\n', '\n')}\n\n${text.trim()}`.trim();
}

/** The documentation of a value; undefined if it has none. */
export function documentValue(value: Value): Documentation | undefined {
  const primOp = value instanceof PrimOpApp ? value.primOp : value;
  if (primOp instanceof PrimOp) return primOp.doc === undefined ? undefined : documentPrimOp(primOp);
  if (value instanceof Lambda) return documentLambda(value);
  const functor = value instanceof Attrs ? value.get('__functor') : undefined;
  if (functor === undefined) return undefined;
  try {
    const called = call(force(functor), value);
    // Each may be called like a function again.
    enterCall(0);
    const found = documentValue(called);
    leaveCall();
    return found;
  } catch (error) {
    if (error instanceof NixError) error.addTrace(0, "while partially calling '__functor' to retrieve documentation");
    throw error;
  }
}

/** The last name of a text that selects along a path; undefined if it does nothing of the kind. */
export function selectedName(text: string, directory: string): string | undefined {
  const { tree } = parse(text, { base: 0, directory, home: undefined, pipes: true });
  if (tree?.kind !== 'select' || tree.fallback !== undefined) return undefined;
  const name = tree.path.at(-1);
  return typeof name === 'string' ? name : undefined;
}

/** The documentation of an attribute, if it has a place. */
export function documentAttribute(set: Value, name: string): Documentation | undefined {
  const position = set instanceof Attrs ? set.positionOf(name) : 0;
  const place = resolvePosition(position);
  if (place === undefined) return undefined;
  return {
    head: `Attribute \`${name}\`\n\n  \xe2\x80\xa6 defined at ${showPosition(position)}`,
    text: docCommentBefore(place.text, place.offset) ?? 'No documentation found.',
  };
}

function documentPrimOp({ name, args, doc = '' }: PrimOp): Documentation {
  return { head: `Synopsis: builtins.${name}${args.map((arg) => ` ${arg}`).join('')}`, text: doc.trim() };
}

function documentLambda({ info: { name, position } }: Lambda): Documentation {
  const place = resolvePosition(position) === undefined ? '' : `defined at ${showPosition(position)}`;
  return {
    head: name === undefined ? `Function ${place}` : `Function \`${name}\`\\\n  \xe2\x80\xa6 ${place}`,
    text: commentAt(position) ?? '',
  };
}

function commentAt(position: Position): string | undefined {
  const place = resolvePosition(position);
  if (place === undefined) return undefined;
  const { tree } = parse(place.text, { base: 0, directory: '/', home: '/', pipes: true });
  return tree === undefined ? undefined : docCommentOfLambda(place.text, tree, place.offset);
}
