/**
 * The expression that packages are taken from: a file, or a folder of files and folders.
 *
 * A folder without a default.nix becomes one set with what is in it, by name, folders below it
 * included: that is how several channels stand side by side in `~/.nix-defexpr`. `_combineChannels`
 * tells the search for packages to go into each of them.
 */

import { NixError } from '#diagnostics';
import {
  Attrs, baseName, canonicalPath, parentPath, resolvePath, Thunk, type AttrsEntry, type FileType, type Value,
} from '#runtime';
import type { EvaluationSession } from '../../worker/session.ts';

/** The value of the file or folder at `path`, absolute. */
export function loadSourceExpression(session: EvaluationSession, path: string): Value {
  const place = followLinks(session, path);
  const type = session.host.lstat(place)?.type;
  if (type === undefined) throw new NixError('FileNotFound', `path '${path}' does not exist`);
  if (isExpression(session, place, type)) return session.evaluator.evaluateFile(place);
  if (type !== 'directory') {
    throw new NixError('Error', `path '${path}' is not a directory or a Nix expression`);
  }
  const entries: AttrsEntry[] = [['_combineChannels', []]];
  gather(session, place, entries, new Set());
  return Attrs.fromEntries(entries);
}

function gather(session: EvaluationSession, folder: string, entries: AttrsEntry[], seen: Set<string>): void {
  for (const name of [...session.host.readDirectory(folder).keys()].sort()) {
    // Channels are a profile: its manifest is no channel.
    if (name === 'manifest.nix') continue;
    const place = followLinks(session, `${folder}/${name}`);
    const type = session.host.lstat(place)?.type;
    // A link that leads nowhere is no mistake here.
    if (type === undefined) continue;
    const isFile = type === 'regular';
    if (isExpression(session, place, type) && (!isFile || baseName(place).endsWith('.nix'))) {
      const attribute = name.replace(/\.nix$/, '');
      if (seen.has(attribute)) {
        const remedy = suggestion(attribute, folder, place);
        session.host.progress.message(
          'warning', `name collision in input Nix expressions, skipping '${place}'${remedy}`);
        continue;
      }
      seen.add(attribute);
      if (seen.size === maximumExpressions) {
        throw new NixError('Error', `too many Nix expressions in directory '${folder}'`);
      }
      entries.push([attribute, new Thunk(() => session.evaluator.evaluateFile(place))]);
    } else if (type === 'directory') {
      gather(session, place, entries, seen);
    }
  }
}

function isExpression(session: EvaluationSession, place: string, type: FileType): boolean {
  return type === 'regular' || (type === 'directory' && session.host.lstat(`${place}/default.nix`) !== null);
}

/** Where a path leads in the end; store paths by their logical names. */
export function followLinks(session: EvaluationSession, path: string): string {
  let place = canonicalPath(path);
  for (let links = 0; links < linkLimit; links++) {
    if (session.host.lstat(place)?.type !== 'symlink') return place;
    place = resolvePath(parentPath(place), session.host.readLink(place));
  }
  return place;
}

function suggestion(attribute: string, folder: string, place: string): string {
  return folder.includes('channels') && place.includes('channels')
    ? `\nsuggestion: remove '${attribute}' from either the root channels or the user channels` : '';
}

const maximumExpressions = 1024;
const linkLimit = 64;
