/** A builder that calls Nix itself: Debian's commands in the sandbox, our daemon behind the socket. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { usualFeatures } from '#build';
import type { StorePath } from '#formats';
import { hostSystem } from '#host';
import { needs } from '../support/foreign.ts';
import { freshSandbox, needsSandbox } from './builds.ts';

const skip = needsSandbox.skip || needs('nix-store', 'nix-instantiate').skip;
/** Where foreign programs and their libraries are. */
const machine = ['/usr', '/bin', '/lib', '/lib64'].filter((path) => existsSync(path)).map((path) => ({ target: path, source: path }));

test('a builder adds, builds and asks by Nix, and sees nothing but what it got so', { skip }, async () => {
  const builds = freshSandbox();
  try {
    const { store, tools } = builds;
    const hidden = store.addTextToStore('hidden', 'hidden', []);
    const script = `
      set -e
      export HOME=/build PATH=${tools}/bin:/usr/bin
      echo added > file
      added=$(nix-store --add file)
      cat $added
      nix-store -q --references $added
      if nix-store -q --hash ${hidden}; then exit 1; fi
      if nix-store -r ${hidden}; then exit 1; fi
      [ ! -e ${hidden} ]
      drv=$(nix-instantiate -E 'derivation {
        name = "inner"; system = "${hostSystem()}"; builder = (builtins.storePath ${tools}) + "/bin/sh";
        args = [ "-c" "echo inner > $out" ];
      }')
      inner=$(nix-store -r $drv)
      cat $inner
      echo "$added $inner" > $out
    `;
    const made = builds.add('outer', { script, env: { requiredSystemFeatures: 'recursive-nix' } });
    await assert.rejects(builds.build(made), /needs a machine with the features recursive-nix/);
    const place = (await builds.build(made, { features: [...usualFeatures, 'recursive-nix'], visiblePaths: machine })).get('out') as string;
    const paths = readFileSync(place, 'utf8').trim().split(' ') as StorePath[];
    assert.deepEqual(store.queryPathInfo(made.out)?.references, [...paths].sort(), 'what it got counts among its references');
    assert.deepEqual(paths.map((path) => readFileSync(store.physicalPath(path), 'utf8')), ['added\n', 'inner\n']);
    assert.match(builds.logOf(made), /added\n(.*\n)*inner\n/);
  } finally {
    builds.close();
  }
});
