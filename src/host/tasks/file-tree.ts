/** A value as files: a string is a file's content, a set a folder of such (`nix eval --write-to`). */

import { NixError, showPosition, type Position } from '#diagnostics';
import { Attrs, ContextString, force, type Slot } from '#runtime';

/** Names and contents are byte strings. */
export type FileTree = string | Map<string, FileTree>;

export function fileTree(slot: Slot, position: Position = 0): FileTree {
  const value = force(slot, position);
  if (typeof value === 'string') return value;
  if (value instanceof ContextString) return value.text;
  if (!(value instanceof Attrs)) {
    throw new NixError('TypeError', `value at '${showPosition(position)}' is not a string or an attribute set`);
  }
  const folder = new Map<string, FileTree>();
  for (const name of value.names()) {
    const at = value.positionOf(name);
    try {
      if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
        throw new NixError('Error', `invalid file name '${name}'`);
      }
      folder.set(name, fileTree(value.get(name)!, at));
    } catch (error) {
      if (error instanceof NixError) error.addTrace(at, `while evaluating the attribute '${name}'`);
      throw error;
    }
  }
  return folder;
}
