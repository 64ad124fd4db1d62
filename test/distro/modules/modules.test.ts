/** The userland modules of `distro/nixos`: what they make of a configuration. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFolder } from '../check-cases.ts';

checkFolder(dirname(fileURLToPath(import.meta.url)));
