/** `nix store info` (and `ping`, its elder name): whether the store can be opened. */

import { DaemonPeer, PeerStore } from '#store';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';

const info = (name: string) => defineCommand({
  name, summary: 'Opens the store and says which it is.', flags: jsonFlags,
  async run(session) {
    const { store, flags, context } = session;
    if (store instanceof PeerStore) return tellOfPeer(session, store);
    const { root, readOnly } = store.location;
    const url = root === '/' ? 'local' : root;
    const { nixVersion: version } = await import('#runtime');
    // Whoever may open a local store may do everything with it.
    if (flags.has('--json')) session.printJson({ url, version, trusted: readOnly !== true });
    else context.stderr.write(`Store URL: ${url}\nVersion: ${version}\nTrusted: ${readOnly === true ? 0 : 1}\n`);
  },
});

/** A store behind a connection says itself who it is, as far as its protocol has words for that. */
async function tellOfPeer(session: CommandSession, { peer, name: url }: PeerStore): Promise<void> {
  // It must be there, and answer.
  await peer.queryPathInfos([]);
  await peer.queryValidPaths([]);
  const version = peer instanceof DaemonPeer ? peer.daemonVersion : undefined;
  const trusted = peer instanceof DaemonPeer ? peer.trustsUs : undefined;
  if (session.flags.has('--json')) {
    session.printJson({ url, ...(version === undefined ? {} : { version }), ...(trusted === undefined ? {} : { trusted }) });
  } else {
    session.context.stderr.write(`Store URL: ${url}\n${version === undefined ? '' : `Version: ${version}\n`}`
      + (trusted === undefined ? '' : `Trusted: ${trusted ? 1 : 0}\n`));
  }
}

/** By the subcommand's name. */
export const storeInfo = { info: info('nix store info'), ping: info('nix store ping') };
