/** `distro/lib`: functions, the module system, its messages. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFolder } from '../check-cases.ts';

checkFolder(dirname(fileURLToPath(import.meta.url)));
