/** Trees and files in stores that are not on this machine: caches, daemons, hosts behind ssh. */

import { encodeUtf8 } from '#base';
import { splitStorePath, type StorePath } from '#formats';
import { fileOf, findInListing, treeOf, type ListedTree, type StorePeer } from '#store';
import { notInStore, pathDoesNotExist } from '../errors.ts';
import type { CommandSession } from './command.ts';
import { connectedStore } from './evaluation.ts';
import type { ListedNode } from './listing.ts';
import { Peers } from './peers.ts';

/** What the operand names in the store that --store names; undefined if that is one of ours. */
export function listedElsewhere(
  session: CommandSession, operand: string,
): Promise<{ readonly node: ListedNode; readonly rest: string } | undefined> {
  return inPeer(session, operand, async (peer, path, rest) => {
    const tree = findInListing(await treeOf(peer, path), encodeUtf8(rest));
    if (tree === undefined) throw pathDoesNotExist(operand);
    return { node: nodeOf(tree), rest };
  });
}

/** The content of the file that the operand names there; undefined if the store is one of ours. */
export function contentElsewhere(session: CommandSession, operand: string): Promise<Uint8Array | undefined> {
  return inPeer(session, operand, (peer, path, rest) => fileOf(peer, path, encodeUtf8(rest.replace(/^\//, ''))));
}

async function inPeer<T>(
  session: CommandSession, operand: string, work: (peer: StorePeer, path: StorePath, rest: string) => Promise<T>,
): Promise<T | undefined> {
  const { flags, context } = session;
  const name = connectedStore(flags, context);
  if (name === undefined) return undefined;
  const opened = new Peers(flags, context, await session.openProgress()).open(name);
  try {
    const found = splitStorePath(operand, opened.peer.storeDirectory);
    if (found === undefined) throw notInStore(operand);
    return await work(opened.peer, found.storePath, found.rest);
  } finally {
    await opened.close();
  }
}

function nodeOf(tree: ListedTree): ListedNode {
  if (tree.type !== 'directory') return tree;
  return {
    type: 'directory', names: () => [...tree.entries.keys()].sort(),
    child: (name) => {
      const found = tree.entries.get(name);
      return found === undefined ? undefined : nodeOf(found);
    },
  };
}
