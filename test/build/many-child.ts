/** A process with few open files that realises many derivations: how many is its argument. */

import { freshBuilds } from './derivations.ts';

const count = Number(process.argv[2]);
const builds = freshBuilds();
const all = Array.from({ length: count }, (_, at) => builds.add(`file${at}`, 'builtin:write-file', { text: String(at) }));
const last = builds.add('last', 'builtin:concat-files', { files: all.map(({ out }) => out) }, all);
const [place = ''] = await builds.realise([last]);
process.stdout.write(`${place === '' ? 'nothing' : 'made'}\n`);
await builds.close();
