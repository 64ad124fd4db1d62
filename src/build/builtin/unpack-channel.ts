/**
 * `builtin:unpack-channel`: the single folder or file of an archive, under the channel's name.
 *
 * Attributes, as C++ Nix's commands write them: `src`, the archive, and `channelName`.
 */
import { readFileSync } from 'node:fs';
import { decodeUtf8 } from '#base';
import type { UnpackNode } from '#formats';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { badChannelName, notOneChannel } from '../errors.ts';
import { Attributes } from '../io/attributes.ts';
import { unpackArchive, writeUnpacked } from '../io/source-archive.ts';

export const unpackChannelBuilder: BuiltinBuilder = {
  name: 'builtin:unpack-channel',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:unpack-channel');
    const name = attributes.string('channelName');
    const source = attributes.string('src');
    if (name === '' || name === '.' || name === '..' || name.includes('/')) throw badChannelName(name);
    const activity = job.progress.start('unpack', job.derivation.name, { parent: job.activity });
    try {
      const tree = unpackArchive(readFileSync(job.inputs.physicalPath(decodeUtf8(source))), source);
      const [only, ...others] = tree.children.values();
      if (only === undefined || others.length > 0) throw notOneChannel(source, only === undefined);
      const renamed: UnpackNode = { type: 'directory', children: new Map([[name, only]]) };
      writeUnpacked(job.outputs.get('out') as string, renamed);
      activity.finish();
    } catch (error) {
      activity.finish('failed');
      throw error;
    }
  },
};
