/**
 * `ByteChannel`: a stream of bytes each way, to a socket or to a process.
 *
 * What a process prints on its standard error is kept, since it says best why nothing came. Writing
 * waits for whoever reads slowly. A channel that is closed while somebody reads or writes ends both.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { withSocketName } from '../socket-name.ts';
import { cannotConnect } from './errors.ts';

export interface ByteChannel {
  /** Names the store in messages. */
  readonly name: string;
  readonly input: AsyncIterable<Uint8Array>;
  /** Throws nothing when the other end is gone: reading tells why. */
  write(bytes: Uint8Array): Promise<void>;
  /** What the other end printed besides, the last of it. */
  said(): string;
  /** Gives each further line of that to `hear`, until something else is to hear it. */
  listen(hear: ((line: string) => void) | undefined): void;
  /** Says that nothing more is written, so that the other end finishes. */
  end(): void;
  close(): void;
}

/** A channel over any two streams, such as our own standard input and output. */
export function streamChannel(
  name: string, input: Readable, output: Writable, parts: Partial<ByteChannel> = {},
): ByteChannel {
  let gone = false;
  const lost = (): void => { gone = true; };
  output.once('close', lost).on('error', lost);
  input.on('error', lost);
  return {
    name,
    input: input as AsyncIterable<Uint8Array>,
    said: parts.said ?? (() => ''),
    listen: parts.listen ?? (() => {}),
    async write(bytes) {
      if (gone || bytes.length === 0 || output.write(bytes)) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          output.off('drain', done).off('close', done).off('error', done);
          resolve();
        };
        output.once('drain', done).once('close', done).once('error', done);
      });
    },
    end() {
      if (!gone) output.end();
    },
    close() {
      gone = true;
      if (parts.close !== undefined) parts.close();
      else {
        output.destroy();
        input.destroy();
      }
    },
  };
}

/** Connects to a Unix socket. Throws STORE_UNREACHABLE. */
export async function openSocket(name: string, path: string): Promise<ByteChannel> {
  return withSocketName(path, async (place) => {
    const socket: Socket = connect({ path: place });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error: NodeJS.ErrnoException) => {
        reject(cannotConnect(name, `${path}: ${reasons[error.code ?? ''] ?? error.message}`, error));
      });
    });
    return streamChannel(name, socket, socket);
  });
}

/** Starts a program and speaks with its standard input and output. */
export function openProcess(
  name: string, command: readonly string[], environment: Readonly<Record<string, string | undefined>>,
): ByteChannel {
  const [program = '', ...args] = command;
  const child: ChildProcess = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'], env: environment as NodeJS.ProcessEnv,
  });
  let said = '';
  let line = '';
  let hear: ((line: string) => void) | undefined;
  child.stderr?.setEncoding('latin1').on('data', (text: string) => {
    said = (said + text).slice(-keptText);
    const lines = (line + text).split('\n');
    line = lines.pop() as string;
    for (const one of lines) hear?.(one);
  });
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(cannotConnect(name, error.code === 'ENOENT' ? `there is no program '${program}'` : error.message, error));
    });
  });
  started.catch(() => {});
  const closed = new Promise<void>((resolve) => { child.once('close', () => resolve()); });
  const input = child.stdout as Readable;
  const channel = streamChannel(name, input, child.stdin as Writable, {
    said: () => said,
    listen(next) { hear = next; },
    close() {
      child.stdin?.destroy();
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.kill();
      child.unref();
    },
  });
  return { ...channel, input: afterStart(started, input, closed) };
}

/** What the program writes, or the reason why it did not start. */
async function* afterStart(
  started: Promise<void>, input: Readable, closed: Promise<unknown>,
): AsyncGenerator<Uint8Array, void, void> {
  await started;
  for await (const piece of input) yield piece as Uint8Array;
  // Its last words may still be on their way, also after it has ended.
  await Promise.race([closed, sleep(lastWordsMilliseconds, undefined, { ref: false })]);
}

const keptText = 8192;
const lastWordsMilliseconds = 2000;

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nothing listens there',
  EACCES: 'permission is denied',
  ENOTSOCK: 'it is not a socket',
};
