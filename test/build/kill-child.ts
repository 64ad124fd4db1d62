/** A process that realises until it is killed: the store's root and derivations are its arguments. */

import { join } from 'node:path';
import { BuiltinRunner, realise } from '#build';
import { chooseMirrors } from '#debian';
import type { StorePath } from '#formats';
import { LocalStore } from '#store';

const [root, ...drvPaths] = process.argv.slice(2) as [string, ...StorePath[]];
const store = new LocalStore({ root });
const runner = new BuiltinRunner({
  mirrors: chooseMirrors({ mirror: 'http://127.0.0.1:1/debian', snapshot: 'http://127.0.0.1:1' }),
  cacheDirectory: join(root, '../cache'),
  threads: 2,
});
await realise(store, drvPaths.map((drvPath) => ({ drvPath })), { builders: [runner], jobs: 2 });
await runner.close();
store.close();
