/** The store in memory keeps the contract. */

import { MemoryStore } from '#store';
import { checkStore } from './contract.ts';

checkStore('memory', (folder) => new MemoryStore(folder));
