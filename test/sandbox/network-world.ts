/**
 * A small world to build in, run by a test in a network namespace without anything: there it makes
 * "the machine", with services, and an outside that is another namespace. Prints what builders said
 * and what the services saw, as JSON.
 *
 * Arguments: the user to build as, or nothing; and the folder for the store.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/** Addresses of the world: two of the machine, one at the other end of its cable, one behind that. */
export const world = {
  machine: '198.51.100.1', machineSix: 'fd51::1', alias: '198.51.100.77', neighbour: '198.51.100.2', neighbourSix: 'fd51::2',
  outside: '203.0.113.7', outsideSix: '2001:db8::7', resolver: '127.0.0.53', name: 'outside.test', port: 4711,
} as const;

const ip = (...words: string[]): void => {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
};

/** The other namespace: a server of TCP, UDP and more, at all its addresses. */
async function runOutside(): Promise<void> {
  console.log(process.pid);
  await new Promise((resolve) => process.stdin.once('data', resolve));
  for (const words of ['link set lo up', 'link set o0 up', `addr add ${world.neighbour}/24 dev o0`, `addr add ${world.outside}/32 dev lo`,
    `addr add ${world.neighbourSix}/64 dev o0 nodad`, `addr add ${world.outsideSix}/128 dev lo`]) ip(...words.split(' '));
  await serve('outside', [world.neighbour, world.outside, world.outsideSix]);
  console.log('ready');
  process.stdin.resume().once('end', () => process.exit());
}

/** Answers on the port with its name, and calls `seen` for each that comes. */
async function serve(name: string, addresses: readonly string[], seen: (what: string) => void = () => {}): Promise<void> {
  for (const address of addresses) {
    const tcp = createServer((socket) => {
      seen(`tcp from ${socket.remoteAddress}`);
      socket.on('error', () => {}).end(`${name} tcp`);
    });
    await new Promise<void>((resolve) => tcp.listen(world.port, address, resolve));
    const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    udp.on('message', ({ length }, from) => {
      seen(`udp from ${from.address}`);
      udp.send(length > 1 ? `${name} got ${length}` : `${name} udp`, from.port, from.address);
    });
    await new Promise<void>((resolve) => udp.bind(world.port, address, resolve));
  }
}

/** A resolver that knows one name. */
async function serveNames(seen: (what: string) => void): Promise<void> {
  const answer = (query: Buffer): Buffer => {
    const end = query.indexOf(0, 12) + 5;
    const isFour = query.readUInt16BE(end - 4) === 1;
    const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, isFour ? 1 : 0, 0, 0, 0, 0]);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...world.outside.split('.').map(Number)]);
    return Buffer.concat([header, query.subarray(12, end), ...(isFour ? [record] : [])]);
  };
  const udp = createSocket('udp4');
  udp.on('message', (message, from) => { seen('name by udp'); udp.send(answer(message), from.port, from.address); });
  await new Promise<void>((resolve) => udp.bind(53, world.resolver, resolve));
  const tcp = createServer((socket: Socket) => {
    seen('name by tcp');
    socket.on('error', () => {}).once('data', (bytes) => {
      const answered = answer(bytes.subarray(2));
      socket.end(Buffer.concat([Buffer.from([0, answered.length]), answered]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(53, world.resolver, resolve));
}

function line(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout!.once('data', (bytes: Buffer) => resolve(bytes.toString().trim()));
    child.once('exit', () => reject(new Error('the outside could not be made')));
  });
}

async function runMachine(user: string, folder: string): Promise<void> {
  const self = [...process.execArgv, import.meta.filename];
  const other = spawn('bwrap', ['--dev-bind', '/', '/', '--die-with-parent', '--unshare-net', process.execPath, ...self, 'outside'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const pid = await line(other);
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'h0', 'type', 'veth', 'peer', 'name', 'o0', 'netns', pid);
  ip('link', 'set', 'h0', 'up');
  other.stdin!.write('go\n');
  await line(other);
  for (const words of [`addr add ${world.machine}/24 dev h0`, `addr add ${world.machineSix}/64 dev h0 nodad`, `route add default via ${world.neighbour}`,
    `-6 route add default via ${world.neighbourSix}`, 'link add down0 type veth peer name down1', 'link set down0 up', `addr add ${world.alias}/32 dev down0`]) ip(...words.split(' '));
  const seen: string[] = [];
  const note = (what: string): void => { seen.push(what); };
  await serve('machine', ['::'], note);
  await serveNames(note);
  const unix: Server = createServer((socket) => { note('abstract socket'); socket.end('machine'); });
  await new Promise<void>((resolve) => unix.listen(`\0firn-network`, resolve));
  const builds = [process.execPath, ...process.execArgv, join(import.meta.dirname, 'network-builds.ts'), folder];
  const command = user === '' ? builds : ['bwrap', '--dev-bind', '/', '/', '--die-with-parent', '--unshare-user', '--uid', user, '--gid', user, '--cap-drop', 'ALL', ...builds];
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => { said += bytes.toString(); });
  const status = await new Promise((resolve) => child.once('close', resolve));
  console.log(JSON.stringify({ status, said, seen }));
  process.exit();
}

if (import.meta.main) {
  if (process.argv[2] === 'outside') await runOutside();
  else await runMachine(process.argv[2] ?? '', process.argv[3] as string);
}
