/** Selecting along an attribute path such as `config.system."a.b".0`, calling functions on the way. */

import { NixError } from '#diagnostics';
import { Attrs, bestMatches, force, showType, type Slot, type Value } from '#runtime';
import { autoCall } from './expression-source.ts';

/** The parts of a path; quotes keep dots. */
export function parseAttributePath(path: string): string[] {
  const parts: string[] = [];
  let current = '';
  for (let i = 0; i < path.length; i++) {
    const character = path[i] as string;
    if (character === '.') {
      parts.push(current);
      current = '';
    } else if (character === '"') {
      const end = path.indexOf('"', i + 1);
      if (end < 0) throw new NixError('ParseError', `missing closing quote in selection path '${path}'`);
      current += path.slice(i + 1, end);
      i = end;
    } else {
      current += character;
    }
  }
  if (current !== '') parts.push(current);
  return parts;
}

/** What stands at the path. The result itself is not called. */
export function selectPath(path: string, args: Attrs, root: Value): Slot {
  let slot: Slot = root;
  for (const part of parseAttributePath(path)) {
    const value: Value = force(autoCall(args, slot));
    slot = /^[0-9]+$/.test(part) ? selectIndex(path, Number(part), value) : selectName(path, part, value);
  }
  return slot;
}

function selectName(path: string, name: string, value: Value): Slot {
  if (!(value instanceof Attrs)) {
    throw new NixError(
      'TypeError', `the expression selected by the selection path '${path}' should be a set but is ${showType(value)}`);
  }
  if (name === '') throw new NixError('Error', `empty attribute name in selection path '${path}'`);
  const slot = value.get(name);
  if (slot === undefined) {
    throw new NixError('Error', `attribute '${name}' in selection path '${path}' not found`, 0, {
      suggestions: bestMatches(value.names(), name),
    });
  }
  return slot;
}

function selectIndex(path: string, index: number, value: Value): Slot {
  if (!Array.isArray(value)) {
    throw new NixError(
      'TypeError', `the expression selected by the selection path '${path}' should be a list but is ${showType(value)}`);
  }
  const slot = value[index];
  if (slot === undefined) {
    throw new NixError('Error', `list index ${index} in selection path '${path}' is out of range`);
  }
  return slot;
}
