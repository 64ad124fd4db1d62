/** `nix store info` (and `ping`, its elder name): whether the store can be opened. */

import { defineCommand, jsonFlags } from '../command.ts';

const info = (name: string) => defineCommand({
  name, summary: 'Opens the store and says which it is.', flags: jsonFlags,
  async run(session) {
    const { store, flags, context } = session;
    const { root, readOnly } = store.location;
    const url = root === '/' ? 'local' : root;
    const { nixVersion: version } = await import('#runtime');
    // Whoever may open a local store may do everything with it.
    if (flags.has('--json')) session.printJson({ url, version, trusted: readOnly !== true });
    else context.stderr.write(`Store URL: ${url}\nVersion: ${version}\nTrusted: ${readOnly === true ? 0 : 1}\n`);
  },
});

/** By the subcommand's name. */
export const storeInfo = { info: info('nix store info'), ping: info('nix store ping') };
