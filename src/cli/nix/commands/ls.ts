/** `nix store ls` and `nix nar ls`: lists a tree in the store, or inside a NAR. */

import { resolve } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '#base';
import { bytePath } from '#store';
import { pathDoesNotExist, usageError } from '../../errors.ts';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import type { Flag } from '../flags.ts';
import { diskListing, listingJson, narListing, nodeAt, type ListedNode } from '../listing.ts';
import { listedElsewhere } from '../files-elsewhere.ts';
import { validPlace } from '../store-command.ts';

const flags: readonly Flag[] = [
  { names: ['--recursive', '-R'], description: 'go into folders' },
  { names: ['--long', '-l'], description: 'print type, mode and size' },
  { names: ['--directory', '-d'], description: 'print folders themselves instead of what is in them' },
  ...jsonFlags,
];

export const storeLs = defineCommand({
  name: 'nix store ls', operands: 'PATH', summary: 'Lists a file or folder in the store.', flags,
  async run(session) {
    const [operand] = session.flags.operands;
    if (operand === undefined) throw usageError('A path is required', session.name);
    const elsewhere = await listedElsewhere(session, operand);
    if (elsewhere !== undefined) {
      list(session, elsewhere.node, elsewhere.rest === '' ? operand : elsewhere.rest);
      return;
    }
    const { place, rest } = validPlace(session, operand);
    const root = diskListing(bytePath(place));
    const node = root === undefined ? undefined : nodeAt(root, encodeUtf8(rest));
    if (node === undefined) throw pathDoesNotExist(operand);
    list(session, node, rest === '' ? operand : rest);
  },
});

export const narLs = defineCommand({
  name: 'nix nar ls', operands: 'NAR PATH', summary: 'Lists a file or folder inside a NAR.', flags,
  async run(session) {
    const [file, path = ''] = session.flags.operands;
    if (file === undefined) throw usageError('A NAR and a path in it are required', session.name);
    const node = nodeAt(narListing(resolve(session.context.cwd, file)), encodeUtf8(path));
    if (node === undefined) throw pathDoesNotExist(path);
    list(session, node, path);
  },
});

function list(session: CommandSession, root: ListedNode, path: string): void {
  const { flags } = session;
  const recursive = flags.has('--recursive');
  if (flags.has('--json')) {
    if (flags.has('--directory')) throw usageError("'--directory' is useless with '--json'", session.name);
    session.printJson(listingJson(root, recursive));
    return;
  }
  const show = (node: ListedNode, shown: string): void => {
    session.print(decodeUtf8(flags.has('--long') ? longLine(node, shown) : shown));
    if (recursive && node.type === 'directory') visit(node, shown);
  };
  const visit = (node: Extract<ListedNode, { type: 'directory' }>, shown: string): void => {
    for (const name of node.names()) show(node.child(name) as ListedNode, `${shown}/${name}`);
  };
  if (root.type !== 'directory') show(root, encodeUtf8(path.slice(path.lastIndexOf('/') + 1)));
  else if (flags.has('--directory')) show(root, '.');
  else visit(root, '.');
}

function longLine(node: ListedNode, shown: string): string {
  const kind = node.type === 'symlink' ? 'lrwxrwxrwx' : node.type === 'directory' ? 'dr-xr-xr-x'
    : node.executable ? '-r-xr-xr-x' : '-r--r--r--';
  const size = node.type === 'regular' ? node.sizeBytes : 0;
  return `${kind} ${String(size).padStart(20)} ${shown}${node.type === 'symlink' ? ` -> ${node.target}` : ''}`;
}
