/** Stores at the other end of a connection, and binary caches, keep the contract. */

import { join } from 'node:path';
import { defaultStoreDirectory } from '#formats';
import { PeerStore } from '#store';
import { checkStore } from './contract.ts';

const main = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
const request = { storeDirectory: defaultStoreDirectory, environment: process.env };

checkStore('binary cache in a folder', (folder) => new PeerStore({
  ...request, name: `file://${join(folder, 'cache')}?compression=none`,
}));

checkStore('daemon', (folder) => new PeerStore({
  ...request,
  name: `ssh-ng://localhost?remote-program=${encodeURIComponent(`${process.execPath} ${main} nix-daemon`)}`
    + `&remote-store=${encodeURIComponent(folder)}`,
}));
