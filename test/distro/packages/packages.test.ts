/** The package set and its functions, under both evaluators. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFolder } from '../check-cases.ts';

checkFolder(dirname(fileURLToPath(import.meta.url)));
