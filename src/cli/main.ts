/**
 * Where the program starts: finds the command by the name it was called by or by its first
 * argument, runs it, renders what it throws, and sets the exit status.
 *
 * Commands are loaded one at a time, when called, so that a small one starts quickly.
 */

import type { CommandContext, CommandModule } from './context.ts';

const commands: Record<string, () => Promise<CommandModule>> = {
  build: () => import('./firn/build.ts'),
  cache: () => import('./firn/cache.ts'),
  completion: () => import('./firn/completion.ts'),
  update: () => import('./firn/update.ts'),
  help: () => import('./firn/help.ts'),
  repl: () => import('./repl/repl.ts'),
  nix: () => import('./nix/nix.ts'),
  'nix-build': () => import('./nix/nix-build.ts'),
  'nix-copy-closure': () => import('./nix/nix-copy-closure.ts'),
  'nix-daemon': () => import('./nix/nix-daemon.ts'),
  'nix-channel': () => import('./nix/nix-channel.ts'),
  'nix-collect-garbage': () => import('./nix/nix-collect-garbage.ts'),
  'nix-env': () => import('./nix/nix-env.ts'),
  'nix-hash': () => import('./nix/nix-hash.ts'),
  'nix-instantiate': () => import('./nix/nix-instantiate.ts'),
  'nix-prefetch-url': () => import('./nix/nix-prefetch-url.ts'),
  'nix-shell': () => import('./nix/nix-shell.ts'),
  'nix-store': () => import('./nix/nix-store.ts'),
};

/** Ends as programs do that know nothing of signals, also where a thread waits for the kernel. */
function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** How long a stopped thread may take to end, after all else has. */
const lingerMilliseconds = 1000;

async function main(): Promise<number> {
  const controller = new AbortController();
  let interruptHandler: (() => void) | undefined;
  let received: NodeJS.Signals = 'SIGINT';
  const context = contextOfProcess(controller.signal, (handler) => { interruptHandler = handler; });
  // The first Ctrl-C stops in order, leaving nothing half-written; the second stops at once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (signal === 'SIGINT' && interruptHandler !== undefined) return interruptHandler();
      if (controller.signal.aborted) return endBySignal(signal);
      received = signal;
      controller.abort();
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of our output has gone (`firn … | head`): there is nobody left to tell.
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });

  try {
    const { command, argv } = await findCommand(context, process.argv.slice(2));
    return await command.run(argv, context);
  } catch (error) {
    if (controller.signal.aborted) {
      setTimeout(() => endBySignal(received), lingerMilliseconds).unref();
      context.stderr.write('interrupted; what was finished is kept, run it again to go on\n');
      return 130;
    }
    const { reportError } = await import('./report-error.ts');
    return reportError(error, context);
  }
}

function contextOfProcess(
  signal: AbortSignal, takeInterrupts: CommandContext['takeInterrupts'],
): CommandContext {
  const { env, stderr, stdout } = process;
  const programName = env['FIRN_COMMAND_NAME'] ?? 'firn';
  // What the launcher tells us is not for the programs that we start.
  delete env['FIRN_COMMAND_NAME'];
  if (env['NODE_COMPILE_CACHE']?.endsWith('/firn/modules') === true) delete env['NODE_COMPILE_CACHE'];
  const colorWanted = env['NO_COLOR'] === undefined || env['NO_COLOR'] === '';
  return {
    programName,
    cwd: process.cwd(),
    env,
    stdout,
    stderr,
    signal,
    takeInterrupts,
    report: { asJson: false },
    color: colorWanted && (stderr.isTTY === true || env['FORCE_COLOR'] !== undefined),
  };
}

async function findCommand(
  context: CommandContext,
  argv: readonly string[],
): Promise<{ command: CommandModule; argv: readonly string[] }> {
  const called = commands[context.programName];
  if (called !== undefined && /^nix(-|$)/.test(context.programName)) {
    return { command: await called(), argv };
  }
  const [name = 'help', ...rest] = argv;
  if (name === '--version' || name === '-V') return { command: await import('./firn/version.ts'), argv: rest };
  if (name === '--help' || name === '-h') return { command: await import('./firn/help.ts'), argv: rest };
  const load = commands[name];
  if (load === undefined) {
    const { unknownCommand } = await import('./errors.ts');
    const { nearest } = await import('./firn/nearest.ts');
    throw unknownCommand(name, nearest(name, Object.keys(commands)));
  }
  return { command: await load(), argv: rest };
}

void main().then((status) => { process.exitCode = status; });
