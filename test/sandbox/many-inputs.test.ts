/** More inputs than bwrap takes arguments for. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeTextPath } from '#formats';
import { freshSandbox, needsSandbox } from './builds.ts';

test('a builder reads all inputs, and none of them can be written to', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const texts = Array.from({ length: 100 }, (_, at) => ({ path: makeTextPath(`input${at}`, `${at}`, []), text: `${at}`, references: [] }));
    builds.store.addAll([], texts);
    const hidden = builds.store.addTextToStore('hidden', 'hidden', []);
    const made = builds.add('many', {
      sources: texts.map(({ path }) => path),
      script: `ls /nix/store | wc -l > /build/count; cat /build/count > $out; cat ${texts.at(-1)?.path} ${texts[0]?.path} >> $out
        echo x > ${texts.at(-1)?.path} && exit 1; echo x > ${texts[0]?.path} && exit 1
        [ ! -e ${hidden} ] || exit 1; [ ! -e /usr ] || exit 1; [ ! -e ${builds.root} ] || exit 1; true`,
    });
    const file = (await builds.build(made, { argumentLimit: 130 })).get('out') as string;
    // With the tools.
    assert.equal(readFileSync(file, 'utf8').split('\n')[0], String(texts.length + 1));
    assert.match(readFileSync(file, 'utf8'), /\n990$/);
  } finally {
    builds.close();
  }
});
