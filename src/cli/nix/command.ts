/**
 * What the new-style commands (`nix build`, `nix store add`, …) have in common.
 *
 * Each is a file in `commands/` that describes itself: name, operands, flags, and what it does with
 * a session. The session opens settings, store and progress when they are first asked for.
 */

import type { FlakeAttributes, NixSettings } from '#host';
import type { LocalStore, PeerStore } from '#store';
import type { Workspace } from '#system';
import type { CommandContext, CommandModule } from '../context.ts';
import { openCommandProgress } from './progress.ts';
import type { ClosableProgress } from '../progress/output.ts';
import { commonFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { indentJson } from './indent-json.ts';
import { settingsOf } from './settings.ts';
import { localStoreOf, type StoreCommand } from './store-command.ts';
import { writeVersion } from './version.ts';
import { openWorkspace } from './workspace.ts';

export interface CommandDescription {
  /** With `nix` before it. */
  readonly name: string;
  /** What follows the name in its usage line, flags aside. */
  readonly operands?: string;
  readonly summary: string;
  /** Beside those that all commands have. */
  readonly flags?: readonly Flag[];
  /** Where a flake has what the operands mean, if not where packages are. */
  readonly attributes?: (system: string) => FlakeAttributes;
  /** Returns the exit status. */
  run(session: CommandSession): Promise<number | void>;
}

/** The module of a command. */
export function defineCommand(description: CommandDescription): CommandModule {
  const { name, operands = '', summary, flags: own = [], attributes } = description;
  const spoken = new Set(own.flatMap((flag) => flag.names));
  const table = [
    ...own,
    ...[...commonFlags, optionFlag].flatMap((flag) => withoutNames(flag, spoken)),
  ];
  return {
    usage: { flags: table, operands, attributes },
    async run(argv, context) {
      const flags = parseFlags(name, table, argv, context);
      if (flags.has('--help')) {
        context.stdout.write(describeFlags(`${name} [FLAGS] ${operands}`.trimEnd(), summary, table));
        return 0;
      }
      if (flags.has('--version')) return writeVersion('nix', context, flags);
      const session = new CommandSession(name, flags, context);
      try {
        return await description.run(session) ?? 0;
      } finally {
        await session.close();
      }
    },
  };
}

export class CommandSession implements StoreCommand {
  readonly name: string;
  readonly flags: ParsedFlags;
  readonly context: CommandContext;
  #settings: NixSettings | undefined;
  #progress: ClosableProgress | undefined;
  #workspace: Workspace | undefined;

  constructor(name: string, flags: ParsedFlags, context: CommandContext) {
    this.name = name;
    this.flags = flags;
    this.context = context;
  }

  get settings(): NixSettings {
    return this.#settings ??= settingsOf(this.flags, this.context);
  }

  get store(): LocalStore | PeerStore {
    return this.workspace().target;
  }

  /** The store, for what only one of our own can do. Throws STORE_NOT_LOCAL. */
  get localStore(): LocalStore {
    return localStoreOf(this.store);
  }

  async openProgress(): Promise<ClosableProgress> {
    return this.#progress ??= await openCommandProgress(this.flags, this.context, 'new');
  }

  /** The store with its builders and evaluator; what reports progress opens that before. */
  workspace(): Workspace {
    return this.#workspace ??= openWorkspace(this.flags, this.context, {
      start: (...all) => this.#progress?.start(...all) ?? { advance() {}, detail() {}, finish() {} },
      message: (...all) => this.#progress?.message(...all),
    });
  }

  readonly print = (line: string): void => {
    this.context.stdout.write(`${line}\n`);
  };

  /** JSON as C++ Nix prints it: keys in order, on many lines for a terminal or with `--pretty`. */
  printJson(value: unknown): void {
    const text = JSON.stringify(sortedKeys(value));
    const pretty = !this.flags.has('--no-pretty') && (this.flags.has('--pretty') || process.stdout.isTTY === true);
    this.print(pretty ? indentJson(text) : text);
  }

  async close(): Promise<void> {
    this.#progress?.close();
    await this.#workspace?.close();
  }
}

/** For commands that print JSON. */
export const jsonFlags: readonly Flag[] = [
  { names: ['--json'], description: 'print JSON' },
  { names: ['--pretty'], description: 'print JSON on many lines (the default on a terminal)' },
  { names: ['--no-pretty'], description: 'print JSON on one line' },
];

const optionFlag: Flag = { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' };

/** A flag without the spellings that the command uses for something else. */
function withoutNames(flag: Flag, taken: ReadonlySet<string>): Flag[] {
  const [first, ...rest] = flag.names.filter((name) => !taken.has(name));
  return first === undefined || first !== flag.names[0] ? [] : [{ ...flag, names: [first, ...rest] }];
}

/** The same value with the keys of all objects sorted bytewise. */
function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sortedKeys(inner)]));
}
