/**
 * Where the launcher starts Node: the program from the pack if there is one, else from its modules.
 * As plain JavaScript it spares Node its loader of modules where the pack has all that is needed.
 */

const { exportsOf, findPack, keepCode, usePack } = require('./use-pack.cjs');

const { FIRN_COMMAND_NAME: called = 'firn' } = process.env;
const command = called.startsWith('nix') ? called : process.argv[2] ?? 'help';
// Commands load and call different parts of the pack.
const role = /^[a-z-]{1,30}$/.test(command) ? `main-${command}` : 'main';

if (usePack(findPack(), role)) process.on('exit', keepCode);
if (exportsOf('cli/main.ts') === undefined) void import('../cli/main.ts');
