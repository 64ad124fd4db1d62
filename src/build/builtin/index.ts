/** The builtin builders, by name. A new one is a file of its own and a line here. */
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { depmodBuilder } from './depmod.ts';
import { initrdBuilder } from './initrd.ts';
import { modulesClosureBuilder } from './modules-closure.ts';

const all: readonly BuiltinBuilder[] = [depmodBuilder, initrdBuilder, modulesClosureBuilder];

/** All builtin builders by the name that derivations give: `builtin:fetchurl`. */
export const builtinBuilders: ReadonlyMap<string, BuiltinBuilder> = new Map(
  all.map((builder) => [builder.name, builder]),
);
