/** The flags of commands that copy from one store to another. */

import type { Flag } from './flags.ts';

export const copyFlags: readonly Flag[] = [
  { names: ['--to'], operands: ['URL'], description: 'the store to copy into: ssh://HOST, ssh-ng://HOST, daemon, a folder, '
    + 'file:///FOLDER, https://…, s3://BUCKET; ?compression=zstd and its like may follow a cache' },
  { names: ['--from'], operands: ['URL'], description: 'the store to copy out of' },
];
