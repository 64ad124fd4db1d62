/** `nix store info` (and `ping`, its elder name): whether the store can be opened. */

import { DaemonPeer } from '#store';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import { connectedStore } from '../evaluation.ts';
import { Peers } from '../peers.ts';

const info = (name: string) => defineCommand({
  name, summary: 'Opens the store and says which it is.', flags: jsonFlags,
  async run(session) {
    const elsewhere = connectedStore(session.flags, session.context);
    if (elsewhere !== undefined) return tellOfPeer(session, elsewhere);
    const { store, flags, context } = session;
    const { root, readOnly } = store.location;
    const url = root === '/' ? 'local' : root;
    const { nixVersion: version } = await import('#runtime');
    // Whoever may open a local store may do everything with it.
    if (flags.has('--json')) session.printJson({ url, version, trusted: readOnly !== true });
    else context.stderr.write(`Store URL: ${url}\nVersion: ${version}\nTrusted: ${readOnly === true ? 0 : 1}\n`);
  },
});

/** A store behind a connection says itself who it is, as far as its protocol has words for that. */
async function tellOfPeer(session: CommandSession, name: string): Promise<void> {
  const peer = new Peers(session.flags, session.context, await session.openProgress()).openBuilder(name);
  try {
    await peer.queryValidPaths([]);
    const url = peer.name;
    const version = peer instanceof DaemonPeer ? peer.daemonVersion : undefined;
    const { trustsUs } = peer;
    if (session.flags.has('--json')) {
      session.printJson({ url, ...(version === undefined ? {} : { version }), ...(trustsUs === undefined ? {} : { trusted: trustsUs }) });
    } else {
      session.context.stderr.write(`Store URL: ${url}\n${version === undefined ? '' : `Version: ${version}\n`}`
        + (trustsUs === undefined ? '' : `Trusted: ${trustsUs ? 1 : 0}\n`));
    }
  } finally {
    await peer.close();
  }
}

/** By the subcommand's name. */
export const storeInfo = { info: info('nix store info'), ping: info('nix store ping') };
