/** A process that does one unit of an operation, or is killed while it does: see kill.test.ts. */

import { commandOperations } from './commands.ts';
import { operations } from './operations.ts';

const [name = '', folder = '', shared = '', unit = '0'] = process.argv.slice(2);
process.stdout.write('ready\n');
await { ...operations, ...commandOperations }[name]?.work({ folder, shared, unit: Number(unit) });
