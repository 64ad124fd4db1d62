/**
 * `nix-store`: operations on the store itself.
 *
 * One operation per call, named by a flag, with flags and output of C++ Nix's command of the same
 * name. Each operation is a function in one of the files of the family; this one only chooses.
 */

import { noProgress } from '#base';
import { LocalStore, type PeerStore } from '#store';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { openCommandProgress } from './progress.ts';
import { chosenStore, connectedStore } from './evaluation.ts';
import { buildFlags, commonFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { Peers } from './peers.ts';
import { localStoreOf, type StoreCommand, type StoreOperation } from './store-command.ts';
import { writeVersion } from './version.ts';

interface Operation extends Flag {
  readonly load: () => Promise<StoreOperation>;
}

const operations: readonly Operation[] = [
  { names: ['--realise', '--realize', '-r'], description: 'make outputs of derivations, or paths, valid',
    load: async () => (await import('./store-realise.ts')).realisePaths },
  { names: ['--query', '-q'], description: 'print what is known of paths',
    load: async () => (await import('./store-query.ts')).query },
  { names: ['--add'], description: 'add files and folders as sources',
    load: async () => (await import('./store-contents.ts')).add },
  { names: ['--add-fixed'], description: 'add files under a hash by ALGORITHM, the first operand',
    load: async () => (await import('./store-contents.ts')).addFixed },
  { names: ['--print-fixed-path'], description: 'print the path of ALGORITHM HASH NAME',
    load: async () => (await import('./store-contents.ts')).printFixedPath },
  { names: ['--dump'], description: 'write the NAR of a file or folder',
    load: async () => (await import('./store-contents.ts')).dump },
  { names: ['--restore'], description: 'unpack a NAR to a place where nothing stands',
    load: async () => (await import('./store-contents.ts')).restore },
  { names: ['--export'], description: 'write paths so that --import can read them',
    load: async () => (await import('./store-contents.ts')).exportOperation },
  { names: ['--import'], description: 'add exported paths',
    load: async () => (await import('./store-contents.ts')).importOperation },
  { names: ['--gc'], description: 'delete what no root needs',
    load: async () => (await import('./store-garbage.ts')).collect },
  { names: ['--delete'], description: 'delete paths, if nothing needs them',
    load: async () => (await import('./store-garbage.ts')).deleteOperation },
  { names: ['--verify'], description: 'compare the database with the files',
    load: async () => (await import('./store-database.ts')).verify },
  { names: ['--verify-path'], description: 'compare paths with their hashes',
    load: async () => (await import('./store-database.ts')).verifyPaths },
  { names: ['--repair-path'], description: 'fetch or build paths again, whatever is there',
    load: async () => (await import('./store-database.ts')).repairPaths },
  { names: ['--optimise', '--optimize'], description: 'make files of the same content one, by hard links',
    load: async () => (await import('./store-database.ts')).optimise },
  { names: ['--check-validity'], description: 'say which paths are not valid',
    load: async () => (await import('./store-database.ts')).checkValidity },
  { names: ['--dump-db'], description: 'print what is registered',
    load: async () => (await import('./store-database.ts')).dumpDatabase },
  { names: ['--load-db'], description: 'register what --dump-db printed',
    load: async () => (await import('./store-database.ts')).loadDatabase },
  { names: ['--register-validity'], description: 'register paths that stand in the store',
    load: async () => (await import('./store-database.ts')).registerValidity },
  { names: ['--read-log', '-l'], description: "print builds' logs",
    load: async () => (await import('./store-logs.ts')).readLogs },
  { names: ['--print-env'], description: "print a derivation's environment for a shell",
    load: async () => (await import('./store-logs.ts')).printEnvironment },
  { names: ['--init'], description: 'make an empty store',
    load: async () => initialise },
  { names: ['--serve'], description: 'serve the store to another machine, which has started this by ssh',
    load: async () => (await import('./store-serve.ts')).serve },
  { names: ['--generate-binary-cache-key'], description: 'make a pair of keys: NAME SECRET-FILE PUBLIC-FILE',
    load: async () => (await import('./store-keys.ts')).generateKey },
];

const options: readonly Flag[] = [
  { names: ['--outputs'], description: 'query: outputs of derivations' },
  { names: ['--requisites', '-R'], description: 'query: all that paths need' },
  { names: ['--references'], description: 'query: what paths refer to' },
  { names: ['--referrers', '--referers'], description: 'query: what refers to paths' },
  { names: ['--referrers-closure', '--referers-closure'], description: 'query: all that needs paths' },
  { names: ['--deriver', '-d'], description: 'query: the derivation that made a path' },
  { names: ['--valid-derivers'], description: 'query: valid derivations that have a path as output' },
  { names: ['--binding', '-b'], operands: ['NAME'], description: 'query: a variable of a derivation' },
  { names: ['--hash'], description: 'query: the hash of the NAR' },
  { names: ['--size'], description: 'query: the size of the NAR' },
  { names: ['--tree'], description: 'query: the tree of references' },
  { names: ['--graph'], description: 'query: the graph of references, for Graphviz' },
  { names: ['--graphml'], description: 'query: the graph of references as GraphML' },
  { names: ['--resolve'], description: 'query: the store path that a link leads to' },
  { names: ['--roots'], description: 'query: the roots that keep a path' },
  { names: ['--use-output', '-u'], description: "query: take a derivation's outputs instead of itself" },
  { names: ['--force-realise', '--force-realize', '-f'], description: 'query: realise derivations first' },
  { names: ['--include-outputs'], description: 'query: with --requisites, add the outputs of derivations' },
  { names: ['--print-roots'], description: 'gc: print the roots' },
  { names: ['--print-live'], description: 'gc: print what is kept' },
  { names: ['--print-dead'], description: 'gc: print what would be deleted' },
  { names: ['--max-freed'], operands: ['BYTES'], description: 'gc: stop when so much is freed' },
  { names: ['--ignore-liveness'], description: 'delete: do not look at roots' },
  { names: ['--check-contents'], description: 'verify: compare contents with hashes' },
  { names: ['--print-invalid'], description: 'check-validity: print the paths that are not valid' },
  { names: ['--hash-given'], description: 'register-validity: hashes and sizes are given' },
  { names: ['--recursive'], description: 'add-fixed: hash the NAR' },
  { names: ['--write'], description: 'serve: allow additions and builds' },
  { names: ['--ignore-unknown'], description: 'realise: ignore derivations with unknown outputs' },
  { names: ['--add-root'], operands: ['PATH'], description: 'realise: link to the result and keep it' },
  { names: ['--indirect'], description: 'accepted and ignored: every root is indirect' },
  { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
];

/** `-q` is --query here, not --quiet. */
const table: readonly Flag[] = [
  ...operations, ...options, ...buildFlags,
  ...commonFlags.map((flag) => (flag.names[0] === '--quiet' ? { ...flag, names: ['--quiet'] as const } : flag)),
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-store', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags('nix-store OPERATION [FLAGS] [PATHS]', 'Works on the store itself.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-store', context, flags);
  const wanted = operations.filter((operation) => flags.has(operation.names[0]));
  if (wanted.length === 0) throw usageError('no operation specified', 'nix-store');
  if (wanted.length > 1) throw usageError('Only one operation may be specified', 'nix-store');
  const [chosen] = wanted as [Operation];
  const remote = connectedStore(flags, context) === undefined ? undefined
    : (await import('./store-remote.ts')).remoteOperations.get(chosen.names[0]);
  const operation = remote ?? await chosen.load();
  const command = new OpenedCommand(flags, context);
  try {
    return await operation(command);
  } finally {
    command.close();
  }
}

/** Whoever opens the store has made it. */
const initialise: StoreOperation = async ({ localStore }) => (localStore.location.readOnly === true ? 1 : 0);

/** Opens the store at its first use: some operations need none. */
class OpenedCommand implements StoreCommand {
  readonly flags: ParsedFlags;
  readonly context: CommandContext;
  #store: LocalStore | PeerStore | undefined;

  constructor(flags: ParsedFlags, context: CommandContext) {
    this.flags = flags;
    this.context = context;
  }

  get store(): LocalStore | PeerStore {
    if (this.#store === undefined) {
      const elsewhere = connectedStore(this.flags, this.context);
      this.#store = elsewhere === undefined ? new LocalStore(chosenStore(this.flags, this.context))
        : new Peers(this.flags, this.context, noProgress).openStore(elsewhere);
    }
    return this.#store;
  }

  get localStore(): LocalStore {
    return localStoreOf(this.store);
  }

  openProgress() {
    return openCommandProgress(this.flags, this.context);
  }

  readonly print = (line: string): void => {
    this.context.stdout.write(`${line}\n`);
  };

  close(): void {
    this.#store?.close();
  }
}
