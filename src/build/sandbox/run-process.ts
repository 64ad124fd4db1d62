/**
 * Runs bwrap around one builder and waits until every process in it is gone.
 *
 * The builder is process 1 of its namespace, so the kernel kills all others when it ends, and bwrap
 * ends after them. To stop it, process 1 is killed, not bwrap: else nobody would have waited for
 * the rest. bwrap itself dies with us; what has not yet told the kernel to, the keeper ends. What the
 * builder says comes through a FIFO, since it may open /dev/stdout anew, which sockets do not allow.
 *
 * A network of the builder's own is that of a bwrap around all others. In it a shell says who it is
 * and waits; then the namespace is connected, and the shell gives it its rules and makes room.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync, constants, openSync, readFileSync, readdirSync, readlinkSync, unlinkSync, writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { constants as system } from 'node:os';
import { join } from 'node:path';
import { connectNetwork, type Connection } from './connect-network.ts';
import { builderFailed, builderKilled, builderSilent, builderTimedOut, builderTooLoud, rulesNotMade } from './errors.ts';
import { giveTo } from './identity.ts';
import { keepGroup } from './keeper.ts';
import type { Outside } from './outside-network.ts';

export interface ProcessLimits {
  /** 0 and undefined: none. */
  readonly timeoutSeconds?: number | undefined;
  readonly silenceSeconds?: number | undefined;
  readonly logBytes?: number | undefined;
}

/** A further bwrap around the sandbox. */
export interface Enclosure {
  readonly options: readonly string[];
  /** A command that runs in it before what is enclosed, whose words it is given and which it starts. */
  readonly before?: readonly string[];
}

/** Options of a bwrap around the sandbox: a view of the whole machine, as our own user. */
export const wholeView: readonly string[] = ['--dev-bind', '/', '/', '--die-with-parent'];

/**
 * Those of one that is root in its namespace, but with the power that is named only, and that of
 * making users for the namespaces in it.
 */
export function ruledView(power: string): readonly string[] {
  return [
    ...wholeView, '--unshare-user', '--uid', '0', '--gid', '0', '--cap-drop', 'ALL', '--cap-add', power, '--cap-add', 'CAP_SETFCAP',
  ];
}

export interface Confinement {
  readonly bwrap: string;
  /** Options of bwrap, as bytes; they are no arguments of the process, so they may be many. */
  readonly options: readonly string[];
  /** What stands around that one, the outermost last. */
  readonly around: readonly Enclosure[];
  /** What leads out of a network of its own; without, it is in the one of `options`. */
  readonly outside?: Outside | undefined;
  readonly filter: Uint8Array;
}

export interface BuilderProcess {
  /** How it is confined; exactly one of this and `plain` is given. */
  readonly confined?: Confinement;
  /** How it runs without a sandbox. */
  readonly plain?: {
    /** What it is called in its own eyes. */
    readonly name: string;
    readonly folder: string;
    readonly variables: Readonly<Record<string, string>>;
  };
  readonly command: readonly string[];
  /** A private folder for the files that the descriptors come from. */
  readonly directory: string;
  /** The user and group to run as; undefined: as we are. */
  readonly identity: number | undefined;
  readonly limits: ProcessLimits;
  readonly signal: AbortSignal;
  log(line: string): void;
}

/** Numbers of the descriptors that bwrap gets beside the standard ones. */
const infoDescriptor = 3;
const optionsDescriptor = 4;
export const filterDescriptor = 5;
/** Where the shell in the network says who it is, and hears that it may go on; a shell knows nine. */
const shellDescriptor = 6;
const goDescriptor = 7;
const firstAroundDescriptor = 8;

/** Throws `UserError` when the builder fails or outlives a limit, the signal's reason when aborted. */
export async function runBuilder(work: BuilderProcess): Promise<void> {
  work.signal.throwIfAborted();
  const { child, output } = start(work);
  const forget = child.pid === undefined ? undefined : keepGroup(child.pid);
  if (work.confined !== undefined) giveOptions(child, work.confined);
  let pid: number | undefined;
  let failure: unknown;
  let early: NodeJS.Timeout | undefined;
  let connection: Connection | undefined;
  /** The shell that waits in the network, while it does. */
  let waiting: number | undefined;
  const stop = (reason: unknown): void => {
    failure ??= reason;
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (work.plain !== undefined) return killSession(child);
    if (pid !== undefined) return killQuietly(pid);
    if (waiting !== undefined) return killQuietly(waiting);
    // Before it is known who process 1 is, no builder runs; bwrap gets the time to say. That
    // process leaves bwrap's session some time after.
    early ??= setTimeout(() => { if (pid === undefined) killSession(child); }, reportMilliseconds);
  };
  const abort = (): void => stop(work.signal.reason);
  work.signal.addEventListener('abort', abort, { once: true });
  onNumber(child, infoDescriptor, /"child-pid"\s*:\s*([0-9]+)\s*[,}\n]/, (found) => {
    pid = found;
    if (failure !== undefined) killQuietly(pid);
  });
  const outside = work.confined?.outside;
  if (outside !== undefined) {
    onNumber(child, shellDescriptor, /^([0-9]+)\n/, (found) => {
      if (failure !== undefined) return killQuietly(found);
      waiting = found;
      connection = connectNetwork(found, outside, runAs(work.identity));
      // It ends by itself too, when the network is gone with the last process in it.
      void connection.lost.then((reason) => { if (lives(found)) stop(reason); });
      connection.ready.then(() => {
        waiting = undefined;
        if (failure === undefined) send(child, goDescriptor, 'go\n');
      }, stop);
    });
  }
  const watch = watchOutput(output, work, stop);
  // One that has closed its output is about to end, or else would never be heard of again.
  let mute: NodeJS.Timeout | undefined;
  void watch.finished.then(() => { mute = setTimeout(() => stop(builderKilled(signals.SIGKILL)), muteMilliseconds).unref(); });
  try {
    const [status, signal] = await ended(child);
    if (signal !== null) {
      // Who kills bwrap early may leave its child alive, and our end of its output open.
      killSession(child);
      if (pid !== undefined) killQuietly(pid);
      setTimeout(() => output.destroy(), muteMilliseconds).unref();
    }
    await watch.finished;
    if (failure !== undefined) throw failure;
    if (status === rulesRefused && pid === undefined && outside !== undefined) throw rulesNotMade(outside.ip);
    // bwrap reports the death of its child by a signal as a shell does.
    if (signal !== null) throw builderKilled(signals[signal]);
    if (status !== null && status > 128 && status <= 128 + lastSignal && work.confined !== undefined) throw builderKilled(status - 128);
    if (status !== 0) throw builderFailed(status ?? 1);
  } finally {
    if (work.plain !== undefined) killSession(child);
    watch.stop();
    clearTimeout(mute);
    clearTimeout(early);
    forget?.();
    await connection?.close();
    work.signal.removeEventListener('abort', abort);
  }
}

const { signals } = system;
const lastSignal = 64;

/** How long bwrap may take to report who process 1 is, if it is to be stopped. */
const reportMilliseconds = 5000;

/** How long a builder may live without its output. */
const muteMilliseconds = 2000;

function start(work: BuilderProcess): { child: ChildProcess; output: Socket } {
  const path = (name: string): string => join(work.directory, name);
  if (work.confined === undefined) return startPlainly(work);
  const { confined } = work;
  writeFileSync(path('filter'), confined.filter);
  const { reading, writing } = openOutput(work);
  const stages = enclosures(confined);
  const filter = openSync(path('filter'), 'r');
  const empty = openSync('/dev/null', 'r');
  const umask = process.umask(0o022);
  try {
    const bwrap = (descriptor: number): string[] => [confined.bwrap, '--args', String(descriptor), '--'];
    const command = stages.reduce<readonly string[]>(
      (inner, { before = [] }, at) => [...bwrap(firstAroundDescriptor + at), ...before, ...inner],
      [...bwrap(optionsDescriptor), ...work.command]);
    const covered = coveredDescriptors(empty, firstAroundDescriptor + stages.length);
    const talk = confined.outside === undefined ? 'ignore' : 'pipe';
    const child = spawn(confined.bwrap, command.slice(1), {
      stdio: ['ignore', writing, writing, 'pipe', 'pipe', filter, talk, talk, ...stages.map(() => 'pipe' as const), ...covered],
      env: {}, detached: true,
      ...runAs(work.identity),
    });
    return { child, output: new Socket({ fd: reading, readable: true, writable: false }) };
  } finally {
    process.umask(umask);
    for (const descriptor of [writing, filter, empty]) closeSync(descriptor);
  }
}

/** What stands around the sandbox's own bwrap, the outermost last. */
function enclosures({ around, outside }: Confinement): readonly Enclosure[] {
  return outside === undefined ? around : [...around, networkStage(outside)];
}

/** All bwraps wait for these: without, they have nothing in them that could be run. */
function giveOptions(child: ChildProcess, confined: Confinement): void {
  const give = (descriptor: number, options: readonly string[]): void => {
    send(child, descriptor, options.map((option) => `${option}\0`).join(''));
  };
  give(optionsDescriptor, confined.options);
  enclosures(confined).forEach(({ options }, at) => give(firstAroundDescriptor + at, options));
}

function send({ stdio }: ChildProcess, descriptor: number, bytes: string): void {
  const pipe = (stdio as readonly (Socket | undefined)[] | undefined)?.[descriptor];
  // It may have been killed meanwhile.
  pipe?.on('error', () => {});
  pipe?.end(bytes, 'latin1');
}

/** The outermost bwrap, whose network the others keep. */
function networkStage({ ip, rules }: Outside): Enclosure {
  return {
    options: [...ruledView('CAP_NET_ADMIN'), '--unshare-net'],
    before: ['/bin/sh', '-c', waitAndRule, 'sh', ip, rules.four, rules.six],
  };
}

/** The status of the shell when the rules cannot be made. */
const rulesRefused = 125;

/** It goes on for a word only, and not because we are gone. */
const waitAndRule = `ip=$1 four=$2 six=$3; shift 3
echo $$ >&${shellDescriptor}; read -r word <&${goDescriptor} && [ "$word" = go ] || exit ${rulesRefused}
exec ${shellDescriptor}>&- ${goDescriptor}<&-
printf %s "$four" | "$ip" -batch - && printf %s "$six" | "$ip" -6 -batch - || exit ${rulesRefused}
exec "$@"`;

/** Starts it as the leader of a session of its own. */
function startPlainly(work: BuilderProcess): { child: ChildProcess; output: Socket } {
  const { name, folder, variables } = work.plain!;
  const { reading, writing } = openOutput(work);
  const empty = openSync('/dev/null', 'r');
  const umask = process.umask(0o022);
  try {
    const child = spawn(work.command[0] as string, work.command.slice(1), {
      argv0: name, cwd: folder, env: variables, detached: true,
      stdio: ['ignore', writing, writing, ...coveredDescriptors(empty, infoDescriptor)],
    });
    return { child, output: new Socket({ fd: reading, readable: true, writable: false }) };
  } finally {
    process.umask(umask);
    for (const descriptor of [writing, empty]) closeSync(descriptor);
  }
}

/** Naming a user drops root's supplementary groups, were it root itself. */
function runAs(identity: number | undefined): { uid?: number; gid?: number } {
  const number = identity ?? (process.getuid?.() === 0 ? 0 : undefined);
  return number === undefined ? {} : { uid: number, gid: number };
}

/** The two ends of what the builder says. */
function openOutput(work: BuilderProcess): { reading: number; writing: number } {
  const fifo = join(work.directory, 'output');
  const made = spawnSync('mkfifo', ['-m', '600', fifo]);
  if (made.error !== undefined) throw made.error;
  giveTo(work.identity, [fifo]);
  const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writing = openSync(fifo, constants.O_WRONLY);
  unlinkSync(fifo);
  return { reading, writing };
}

/** Kills the builder and what it started in its group. */
function killSession({ pid }: ChildProcess): void {
  if (pid !== undefined) killQuietly(-pid);
}

/**
 * What we inherited from our own parent and would pass on: an open folder would be a way out of the
 * sandbox. Each such number from `first` on gets `/dev/null` instead; at the others nothing is passed.
 */
function coveredDescriptors(empty: number, first: number): ('ignore' | number)[] {
  const inherited = readdirSync('/proc/self/fd').map(Number)
    .filter((number) => number >= first && isInherited(number));
  const count = Math.max(first - 1, ...inherited) - first + 1;
  return Array.from({ length: count }, (_, at) => (inherited.includes(first + at) ? empty : 'ignore'));
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1] ?? '0';
    return (parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    // The descriptor by which the folder was listed is closed again.
    return false;
  }
}

/** O_CLOEXEC, as the kernel prints it. */
const closeOnExec = 0o2000000;

/** The options by which bwrap reports who process 1 is. */
export const reportOptions: readonly string[] = ['--info-fd', String(infoDescriptor)];

/** Hands over the number that is said at a descriptor, once. */
function onNumber(child: ChildProcess, descriptor: number, form: RegExp, act: (number: number) => void): void {
  let text: string | undefined = '';
  child.stdio[descriptor]?.on('data', (bytes: Buffer) => {
    if (text === undefined) return;
    const found = form.exec(text += bytes.toString())?.[1];
    if (found === undefined) return;
    text = undefined;
    act(Number(found));
  });
}

/** Whether a process has not ended: one that nobody has waited for yet is in no namespace any more. */
function lives(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== '';
  } catch {
    return false;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => resolve([status, signal]));
  });
}

/** Splits the output in lines, and stops the builder when a limit is reached. */
function watchOutput(
  output: Socket, work: BuilderProcess, stop: (reason: unknown) => void,
): { finished: Promise<void>; stop(): void } {
  const { timeoutSeconds, silenceSeconds, logBytes } = work.limits;
  const timeout = timer(timeoutSeconds, () => stop(builderTimedOut(timeoutSeconds ?? 0)));
  const silent = (): NodeJS.Timeout | undefined =>
    timer(silenceSeconds, () => stop(builderSilent(silenceSeconds ?? 0)));
  let silence = silent();
  let rest = '';
  let sizeBytes = 0;
  output.on('data', (bytes: Buffer) => {
    clearTimeout(silence);
    silence = silent();
    sizeBytes += bytes.length;
    if (logBytes && sizeBytes > logBytes) {
      stop(builderTooLoud(logBytes));
      return;
    }
    const lines = (rest + bytes.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) work.log(readable(line));
  });
  const finished = new Promise<void>((resolve) => {
    output.once('close', () => {
      if (rest !== '') work.log(readable(rest));
      resolve();
    });
  });
  output.once('error', () => output.destroy());
  return {
    finished,
    stop() {
      clearTimeout(timeout);
      clearTimeout(silence);
    },
  };
}

function timer(seconds: number | undefined, act: () => void): NodeJS.Timeout | undefined {
  return seconds ? setTimeout(act, seconds * 1000) : undefined;
}

function readable(line: string): string {
  return Buffer.from(line.replace(/\r$/, ''), 'latin1').toString('utf8');
}
