/** Run by a test, which kills it: downloads for ever, in the folder that is its argument. */

import { hashOf } from '#base';
import { sandboxAt } from './builds.ts';

const builds = sandboxAt(process.argv[2] as string);
const script = 'while true; do sleep 1; done';
await builds.build(builds.add('endless', { script, fixed: { method: 'flat', hash: hashOf('sha256', 'x') } }), { network: 'isolated' });
