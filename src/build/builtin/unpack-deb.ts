/**
 * `builtin:unpack-deb`: the files of a Debian package, as a tree.
 *
 * Attributes: `src` (the .deb file). No script of the package runs. Owners and special permission
 * bits are dropped, as everywhere in the store. Where the package has `usr/bin`, the tree gets a
 * link `bin` to it, and so for sbin, lib, share, include and libexec.
 */
import { noSpace } from '../errors.ts';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';
import type { UnpackAnswer, UnpackRequest } from './unpack-deb-worker.ts';

const worker = new URL('./unpack-deb-worker.ts', import.meta.url);

export const unpackDebBuilder: BuiltinBuilder = {
  name: 'builtin:unpack-deb',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:unpack-deb');
    const source = attributes.string('src');
    const out = job.outputs.get('out') as string;
    const request: UnpackRequest = {
      deb: job.inputs.physicalPath(source),
      what: source,
      out,
    };
    const activity = job.progress.start('unpack', job.derivation.name, { parent: job.activity });
    try {
      const answer = await job.workers.run<UnpackAnswer>(worker, request, { signal: job.signal });
      job.measured('out', answer);
      activity.finish();
    } catch (error) {
      activity.finish('failed');
      if ((error as { code?: string }).code === 'ENOSPC') throw noSpace(out, error);
      throw error;
    }
  },
};
