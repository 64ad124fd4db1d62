/**
 * Runs slirp4netns beside one builder: the process that the builder's packets go through.
 *
 * It shuts itself in: it sees /etc and /run only, under a filter of system calls. Root of a container
 * without the power to mount has the filter only.
 *
 * *Invariant:* it ends with us, however we end: then the pipe closes that it watches.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { networkRefused, networkLost } from './errors.ts';
import { device, network, type Outside } from './outside-network.ts';

export interface Connection {
  /** Resolves when the device stands; fails when it never will. */
  readonly ready: Promise<void>;
  /** Resolves when slirp4netns has ended before `close`, with what is to be said about it. */
  readonly lost: Promise<Error>;
  /** Ends it and waits for that. */
  close(): Promise<void>;
}

/** How long it may take; it needs a fiftieth of a second. */
const patienceMilliseconds = 60_000;
/** How long it may take to end when it is told so. */
const endMilliseconds = 2000;

const readyDescriptor = 3;
const exitDescriptor = 4;

/** Connects the namespaces that process `pid` is in, as the user that made them. */
export function connectNetwork(pid: number, { slirp, hasSix }: Outside, user: { uid?: number; gid?: number }): Connection {
  const child = spawn(slirp, [
    '--configure', '--cidr', network, '--mtu', '65520', '--disable-host-loopback', '--enable-seccomp',
    ...(mayShutItselfIn(user.uid) ? ['--enable-sandbox'] : []),
    ...(hasSix ? ['--enable-ipv6'] : []),
    '--ready-fd', String(readyDescriptor), '--exit-fd', String(exitDescriptor), String(pid), device,
  ], {
    // A session of its own: who presses Ctrl-C stops the build, and that ends it.
    cwd: '/', env: {}, detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], ...user,
  });
  const [said, ready, exit] = [2, readyDescriptor, exitDescriptor].map((at) => child.stdio?.[at] as Socket | undefined);
  let words = '';
  let isClosing = false;
  said?.on('data', (bytes: Buffer) => { words = (words + bytes.toString('utf8')).slice(-4000); });
  for (const pipe of [said, ready, exit]) pipe?.on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => { words += error.message; resolve(); });
    child.once('exit', () => { if (said === undefined || said.closed) resolve(); else said.once('close', resolve); });
  });
  return {
    ready: new Promise((resolve, reject) => {
      const patience = setTimeout(() => reject(networkRefused(slirp, 'it takes too long')), patienceMilliseconds);
      ready?.once('data', () => { clearTimeout(patience); resolve(); });
      void ended.then(() => { clearTimeout(patience); reject(networkRefused(slirp, complaints(words))); });
    }),
    lost: new Promise((resolve) => {
      void ended.then(() => { if (!isClosing) resolve(networkLost(slirp, complaints(words))); });
    }),
    async close() {
      isClosing = true;
      for (const pipe of [ready, exit]) pipe?.destroy();
      const impatience = setTimeout(() => child.kill('SIGKILL'), endMilliseconds);
      await ended;
      clearTimeout(impatience);
    },
  };
}

/** An ordinary user's takes the power for that from the namespace; root's must have it, or does without. */
function mayShutItselfIn(uid: number | undefined): boolean {
  if ((uid ?? process.getuid?.()) !== 0) return true;
  const powers = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return (BigInt(`0x${powers}`) & systemAdministration) !== 0n;
}

/** CAP_SYS_ADMIN. */
const systemAdministration = 1n << 21n;

/** Without what it always says. */
function complaints(words: string): string {
  return words.split('\n').filter((line) => line !== '' && !/^WARNING: Support for|^(sent|received) tapfd=/.test(line)).join('; ');
}
