/** What a builder can see and reach, and what it cannot: anchors of the sandbox's promise. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { closeSync, existsSync, lstatSync, openSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashOf, type UserError } from '#base';
import { freshSandbox, needsSandbox, type SandboxedBuilds } from './builds.ts';

let builds: SandboxedBuilds;
before(() => { if (needsSandbox.skip === false) builds = freshSandbox(); });
after(() => builds?.close());

let count = 0;
/** Builds a script and gives what it wrote to `$out`. */
async function said(script: string, more: object = {}): Promise<string> {
  const made = builds.add(`said-${count++}`, { script, ...more });
  return readFileSync((await builds.build(made)).get('out') as string, 'utf8');
}

test('only the closure of the inputs stands in the store', needsSandbox, async () => {
  const other = builds.store.addTextToStore('other', 'x', []);
  const own = builds.store.addTextToStore('own', `see ${builds.tools}`, [builds.tools]);
  const listed = await said('ls /nix/store > /tmp/list; cat /tmp/list > $out', { sources: [own] });
  assert.deepEqual(listed.trim().split('\n'), [own, builds.tools].map((path) => path.slice('/nix/store/'.length)).sort());
  assert.equal(builds.store.isValidPath(other), true);
});

test('inputs cannot be written to, nor anything outside', needsSandbox, async () => {
  const text = await said(`
    for place in ${builds.tools}/x /x /etc/x /proc/sys/kernel/x; do
      if { echo x > $place; } 2>/dev/null; then echo wrote $place; fi
    done > $out
    { echo 60 > /proc/sys/vm/swappiness; } 2>/dev/null && echo wrote swappiness >> $out
    chmod 755 ${builds.tools} 2>/dev/null && echo changed >> $out
    true`);
  assert.equal(text, '');
});

test('the machine is not there: no home, no processes, no network, a name of its own', needsSandbox, async () => {
  const server = createServer((socket) => socket.end('reached'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    const text = await said(`
      ls / | tr '\\n' ' '; echo
      ls -d /proc/[0-9]* | wc -l
      echo $$
      hostname
      ip -o link | grep -c :
      nc -w 2 127.0.0.1 ${port} < /dev/null 2>/dev/null || echo alone`.replaceAll('\n      ', '\n').trim()
      .split('\n').map((line) => `{ ${line}; } >> /tmp/said`).join('\n') + '\ncat /tmp/said > $out');
    const [root, processes, self, name, links, network] = text.split('\n');
    assert.match(root ?? '', /^(bin )?build dev etc nix proc tmp $/);
    assert.ok(Number(processes) <= 4, processes);
    assert.equal(self, '1');
    assert.equal(name, 'localhost');
    assert.equal(links, '1');
    assert.equal(network, 'alone');
  } finally {
    server.close();
  }
});

test('an ordinary user, without capabilities, new privileges or files of ours', needsSandbox, async () => {
  // What we have open passes to children unless it is marked; builders may not get it.
  const text = await said('{ id -u; id -g; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp|Groups):" /proc/self/status; ls -l /proc/1/fd; } > /tmp/x; cat /tmp/x > $out');
  assert.match(text, /^1000\n100\n/);
  assert.match(text, /CapEff:\t0{16}\nCapBnd:\t0{16}\nNoNewPrivs:\t1\nSeccomp:\t2/);
  // An ordinary user cannot drop its groups; root can.
  if (process.getuid?.() === 0) assert.doesNotMatch(/^Groups:.*$/m.exec(text)?.[0] ?? '65534', /65534/);
  for (const line of text.split('\n').filter((one) => one.includes(' -> '))) {
    assert.match(line, / -> (\/dev\/null|\/tmp\/x|.*\/output \(deleted\))$/);
  }
});

test('descriptors that we were started with do not reach a builder', needsSandbox, async () => {
  const folder = openSync('/etc', 'r');
  const script = join(import.meta.dirname, 'inherit-child.ts');
  const holes = Array.from({ length: 37 }, () => 'ignore' as const);
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    stdio: ['ignore', 'pipe', 'inherit', ...holes, folder],
  });
  closeSync(folder);
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => { text += bytes.toString(); });
  const status = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(status, 0);
  assert.match(text, / 40 -> \/dev\/null\n/);
  assert.doesNotMatch(text, /\/etc/);
});

test('what a store cannot hold cannot be made', needsSandbox, async () => {
  const text = await said(`
    cd /build; touch f
    { chmod 4755 f || echo setuid; chmod 2755 f || echo setgid; chmod 1755 f && echo sticky; } > $out 2>/dev/null`);
  assert.equal(text, 'setuid\nsetgid\nsticky\n');
});

test('the build folder is private while a build runs', needsSandbox, async () => {
  const made = builds.add('private', { script: 'chmod 777 /build; touch /tmp/ready; sleep 1; echo x > $out' });
  const building = builds.build(made);
  const store = join(builds.root, 'nix/store');
  let seen: number | undefined;
  for (let tries = 0; tries < 60 && seen === undefined; tries++) {
    await sleep(25);
    const scratch = readdirSync(store).find((name) => existsSync(join(store, name, 'tmp/ready')));
    if (scratch !== undefined) seen = lstatSync(join(store, scratch)).mode & 0o777;
  }
  await building;
  assert.equal(seen, 0o700);
  assert.deepEqual(readdirSync(store).filter((name) => existsSync(join(store, name, 'build'))), []);
});

test('a process that a builder leaves behind dies with it and changes nothing', needsSandbox, async () => {
  const made = builds.add('leftover', {
    script: 'mkdir $out; echo first > $out/x; setsid sh -c "while true; do echo later > $out/x; echo mark-leftover; done" > /dev/null 2>&1 & echo done; sleep 0.1; echo first > /build/y; rm -f $out/x; mkdir -p $out/z; echo ok > $out/z/w',
  });
  const out = (await builds.build(made)).get('out') as string;
  const before = readFileSync(join(out, 'z/w'), 'utf8');
  await sleep(50);
  assert.equal(before, 'ok\n');
  const living = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('mark-leftover');
    } catch {
      return false;
    }
  });
  assert.deepEqual(living, []);
});

test('an output that is a link is taken as a link', needsSandbox, async () => {
  const victim = join(builds.root, 'victim');
  writeFileSync(victim, 'whole');
  const made = builds.add('link', { script: `ln -s ${victim} $out` });
  const out = (await builds.build(made)).get('out') as string;
  assert.equal(readlinkSync(out), victim);
  assert.equal(readFileSync(victim, 'utf8'), 'whole');
  // As a fixed output it would be what it points to.
  const fixed = builds.add('link-fixed', { script: `ln -s ${victim} $out`, fixed: { method: 'flat', hash: hashOf('sha256', 'whole') } });
  await assert.rejects(builds.build(fixed), (error: UserError) => /must be a regular file/.test(error.message));
});

test('a fixed output has the network of the machine where that is wished', needsSandbox, async () => {
  const server = createServer((socket) => socket.end('reached'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    const made = builds.add('fetched', {
      script: `[ "$(cat /etc/nsswitch.conf | wc -l)" = 2 ] && nc 127.0.0.1 ${port} < /dev/null > $out`,
      fixed: { method: 'flat', hash: hashOf('sha256', 'reached') },
    });
    assert.equal(readFileSync((await builds.build(made, { network: 'host' })).get('out') as string, 'utf8'), 'reached');
  } finally {
    server.close();
  }
});

test('a tree deeper than a path can name is removed', needsSandbox, async () => {
  const name = 'd'.repeat(200);
  const made = builds.add('deep', { script: `
    cd /build
    for top in a b c; do
      mkdir -p $top/${Array.from({ length: 14 }, () => name).join('/')} || exit 3
    done
    mv c b/${Array.from({ length: 5 }, () => name).join('/')} && mv b a/${Array.from({ length: 14 }, () => name).join('/')} || exit 3
    exit 4` });
  await assert.rejects(builds.build(made), /exit code 4/);
  const store = join(builds.root, 'nix/store');
  assert.deepEqual(readdirSync(store).filter((one) => existsSync(join(store, one, 'build'))), []);
});

test('a store that only root can enter: builds run there too', needsSandbox, async () => {
  const closed = freshSandbox(0o700);
  try {
    const made = closed.add('closed', { script: '{ echo 60 > /proc/sys/vm/swappiness; } 2>/dev/null && echo wrote > $out; id -u >> $out' });
    assert.equal(readFileSync((await closed.build(made)).get('out') as string, 'utf8'), '1000\n');
  } finally {
    closed.close();
  }
});
