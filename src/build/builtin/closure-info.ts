/**
 * `builtin:closure-info`: what an image's store must know of the paths in it.
 *
 * Attributes: `rootPaths`. The output has `store-paths` (one a line, sorted), `registration` (what
 * `nix-store --load-db` reads) and `total-nar-size`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex } from '#base';
import { parseStorePath } from '#formats';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { missingPath } from '../errors.ts';
import { Attributes } from '../io/attributes.ts';

export const closureInfoBuilder: BuiltinBuilder = {
  name: 'builtin:closure-info',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:closure-info');
    const roots = attributes.strings('rootPaths').map((path) => parseStorePath(path));
    const paths = job.inputs.closureOf(roots);
    let registration = '';
    let total = 0;
    for (const path of paths) {
      const info = job.inputs.queryPathInfo(path);
      if (!info) throw missingPath(path);
      total += info.narSizeBytes;
      // The deriver stays empty: the image has no derivations.
      registration += `${path}\n${encodeHex(info.narHash.bytes)}\n${info.narSizeBytes}\n\n`;
      registration += `${info.references.length}\n`;
      for (const reference of [...info.references].sort()) registration += `${reference}\n`;
    }
    const out = job.outputs.get('out') as string;
    mkdirSync(out);
    writeFileSync(join(out, 'store-paths'), paths.map((path) => `${path}\n`).join(''), 'latin1');
    writeFileSync(join(out, 'registration'), registration, 'latin1');
    writeFileSync(join(out, 'total-nar-size'), `${total}\n`);
  },
};
