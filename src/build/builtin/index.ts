/** The builtin builders, by name. A new one is a file of its own and a line here. */
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { buildenvBuilder } from './buildenv.ts';
import { depmodBuilder } from './depmod.ts';
import { hwdbBuilder } from './hwdb.ts';
import { initrdBuilder } from './initrd.ts';
import { modulesClosureBuilder } from './modules-closure.ts';
import { closureInfoBuilder } from './closure-info.ts';
import { concatFilesBuilder } from './concat-files.ts';
import { fatImageBuilder } from './fat-image.ts';
import { fetchurlBuilder } from './fetchurl.ts';
import { isoBuilder } from './iso.ts';
import { linkTreesBuilder } from './link-trees.ts';
import { mergeTreesBuilder } from './merge-trees.ts';
import { squashfsBuilder } from './squashfs.ts';
import { systemdUnitsBuilder } from './systemd-units.ts';
import { unpackChannelBuilder } from './unpack-channel.ts';
import { unpackDebBuilder } from './unpack-deb.ts';
import { writeFileBuilder } from './write-file.ts';
import { writeTreeBuilder } from './write-tree.ts';

const all: readonly BuiltinBuilder[] = [
  buildenvBuilder,
  depmodBuilder,
  hwdbBuilder,
  initrdBuilder,
  modulesClosureBuilder,
  closureInfoBuilder,
  concatFilesBuilder,
  fatImageBuilder,
  fetchurlBuilder,
  isoBuilder,
  linkTreesBuilder,
  mergeTreesBuilder,
  squashfsBuilder,
  systemdUnitsBuilder,
  unpackChannelBuilder,
  unpackDebBuilder,
  writeFileBuilder,
  writeTreeBuilder,
];

/** All builtin builders by the name that derivations give: `builtin:fetchurl`. */
export const builtinBuilders: ReadonlyMap<string, BuiltinBuilder> = new Map(
  all.map((builder) => [builder.name, builder]),
);
