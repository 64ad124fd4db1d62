/** The store on disk keeps the contract. */

import { LocalStore } from '#store';
import { checkStore } from './contract.ts';

checkStore('local', (root) => new LocalStore({ root }));
checkStore('local, linking files', (root) => new LocalStore({ root, autoOptimise: true }));
