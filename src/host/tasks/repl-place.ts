/**
 * Where the REPL's `:e` finds what is to be edited: the file that a path or string names, the place
 * of a function, or what a package says of itself by `meta.position`.
 */

import { NixError, resolvePosition, showPosition } from '#diagnostics';
import { internalFile } from '#eval';
import {
  Attrs, coerceToString, ContextCollector, ContextString, force, forceStringNoContext, isDerivation, Lambda, NixPath,
  type EvalServices, type Value,
} from '#runtime';
import type { EditPlace } from '../repl/requests.ts';

export function placeOfValue(value: Value, text: string, services: EvalServices): EditPlace {
  if (typeof value === 'string' || value instanceof ContextString || value instanceof NixPath) {
    const path = coerceToString(
      value, services, new ContextCollector(), 0, 'while evaluating the filename to edit', { copyToStore: false });
    if (!path.startsWith('/')) throw new NixError('EvalError', `string '${path}' doesn't represent an absolute path`);
    const text = internalFile(path);
    return text === undefined ? { path, line: 0 } : { path, line: 0, text };
  }
  if (value instanceof Lambda) {
    const place = resolvePosition(value.info.position);
    if (place?.origin.kind === 'file') return { path: place.origin.path, line: place.line };
    if (place?.origin.kind === 'internal') return { path: place.origin.path, line: place.line, text: place.text };
    throw new NixError('Error', `'${showPosition(value.info.position)}' cannot be shown in an editor`);
  }
  return placeOfPackage(value, text);
}

/** `meta.position` is a file, a colon and a line. */
function placeOfPackage(value: Value, text: string): EditPlace {
  const meta = value instanceof Attrs && isDerivation(value) ? value.get('meta') : undefined;
  const known = meta === undefined ? undefined : force(meta);
  const position = known instanceof Attrs ? known.get('position') : undefined;
  if (position === undefined) throw new NixError('Error', `package '${text}' has no source location information`);
  const place = forceStringNoContext(position, 0, "while evaluating the 'meta.position' attribute of a derivation");
  const [, path, line] = /^(.+):(\d+)$/.exec(place) ?? [];
  if (path === undefined) throw new NixError('Error', `cannot parse 'meta.position' attribute '${place}'`);
  return { path, line: Number(line) };
}
