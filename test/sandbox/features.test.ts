/** What derivations may ask of a build: variables, files, outputs, limits; and how failures look. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatHash, hashOf, UserError } from '#base';
import { outputPlaceholder, type StorePath } from '#formats';
import { deleteTree } from '#store';
import { freshSandbox, needsSandbox, recordingProgress, type Made, type SandboxedBuilds, type Specification } from './builds.ts';

let builds: SandboxedBuilds;
before(() => { if (needsSandbox.skip === false) builds = freshSandbox(); });
after(() => builds?.close());

let count = 0;
const add = (script: string, more: Omit<Specification, 'script'> = {}): Made => builds.add(`feature-${count++}`, { script, ...more });
const read = (path: string | undefined): string => readFileSync(path as string, 'utf8');
async function said(script: string, more: Omit<Specification, 'script'> = {}): Promise<string> {
  return read((await builds.build(add(script, more))).get('out'));
}
/** The attribute set whose check a build is to fail or pass. */
async function checked(more: Omit<Specification, 'script'>, script: string): Promise<string> {
  try {
    await builds.build(add(script, more));
    return 'built';
  } catch (error) {
    return error instanceof UserError ? error.message : String(error);
  }
}

test('the environment is that of Nix', needsSandbox, async () => {
  const made = add('env | sort > $out', { env: { own: 'h\u00e9llo', HOME: '/mine', TMPDIR: '/else' } });
  const lines = read((await builds.build(made, {}, { cores: 3 })).get('out')).trim().split('\n');
  const { name } = builds.store.readDerivation(made.drvPath);
  assert.deepEqual(lines.filter((line) => !/^(SHLVL|_)=/.test(line)), [
    'HOME=/mine', 'NIX_BUILD_CORES=3', 'NIX_BUILD_TOP=/build', 'NIX_LOG_FD=2', 'NIX_STORE=/nix/store',
    `PATH=${builds.tools}/bin`, 'PWD=/build', 'TEMP=/build', 'TEMPDIR=/build', 'TERM=xterm-256color', 'TMP=/build', 'TMPDIR=/build',
    `name=${name}`, `out=${made.out}`, 'own=h\u00e9llo',
  ].sort((a, b) => (a < b ? -1 : 1)));
});

test('placeholders of outputs become their paths', needsSandbox, async () => {
  const made = add(`echo $self ${outputPlaceholder('out')} > $out`, { env: { self: `${outputPlaceholder('out')}/x` } });
  assert.equal(read((await builds.build(made)).get('out')), `${made.out}/x ${made.out}\n`);
});

test('passAsFile', needsSandbox, async () => {
  const file = `.attr-${formatHash(hashOf('sha256', 'long'), 'nix32')}`;
  const text = await said('echo "$long|$longPath" > $out; cat $longPath >> $out', { env: { passAsFile: 'long', long: 'a\nb' } });
  assert.equal(text, `|/build/${file}\na\nb`);
});

test('structured attributes as JSON and for the shell', needsSandbox, async () => {
  const structured = {
    text: "it's \u00e9", list: ['a b', 'c'], map: { '10': 'x', '2': 'y' }, yes: true, no: false, none: null, number: 7,
    fraction: 1.5, nested: [['a']], 'not-a-name': 1, PATH: '/x',
  };
  const made = add('', {});
  const out = builds.add(`structured-${count++}`, {
    script: `export PATH=${builds.tools}/bin; { cat $NIX_ATTRS_JSON_FILE; echo; cat $NIX_ATTRS_SH_FILE; env | grep -c name=; } > ${outputPlaceholder('out')}; true`,
    structured: { ...structured, placed: outputPlaceholder('out') },
  });
  assert.notEqual(out.out, made.out);
  const [json = '', ...shell] = read((await builds.build(out)).get('out')).trim().split('\n');
  const { name } = builds.store.readDerivation(out.drvPath);
  assert.deepEqual(JSON.parse(json), { ...structured, name, placed: out.out, outputs: { out: out.out } });
  assert.match(json, /^\{"PATH":.*"map":\{"10":"x","2":"y"\}/);
  assert.deepEqual(shell, [
    "declare PATH='/x'", "declare -a list=('a b' 'c' )", "declare -A map=(['10']='x' ['2']='y' )", `declare name='${name}'`,
    'declare no=', "declare none=''", 'declare number=7', `declare -A outputs=(['out']='${out.out}' )`, `declare placed='${out.out}'`,
    "declare text='it'\\''s \u00e9'", 'declare yes=1', '0',
  ]);
});

test('exportReferencesGraph, as text and as JSON', needsSandbox, async () => {
  const low = add('echo low > $out');
  const high = add(`echo ${low.out} > $out`, { inputs: [low] });
  const text = await said('cat graph > $out', { inputs: [high], env: { exportReferencesGraph: `graph ${high.out}/x` } });
  const entry: Record<string, string> = { [low.out]: `${low.out}\n\n0\n`, [high.out]: `${high.out}\n\n1\n${low.out}\n` };
  assert.equal(text, [low.out, high.out].sort().map((path) => entry[path]).join(''));
  const json = builds.add('graph', {
    script: `export PATH=${builds.tools}/bin; cat $NIX_ATTRS_JSON_FILE > ${outputPlaceholder('out')}`, inputs: [high],
    structured: { exportReferencesGraph: { graph: [high.out] } },
  });
  const { graph } = JSON.parse(read((await builds.build(json)).get('out'))) as { graph: Record<string, unknown>[] };
  const info = builds.store.queryPathInfo(high.out);
  const lowInfo = builds.store.queryPathInfo(low.out);
  assert.deepEqual(graph.find((one) => one['path'] === high.out), {
    closureSize: (info?.narSizeBytes ?? 0) + (lowInfo?.narSizeBytes ?? 0), narHash: `sha256:${formatHash(info!.narHash, 'nix32')}`,
    narSize: info?.narSizeBytes, path: high.out, references: [low.out], valid: true,
  });
  const other = builds.store.addTextToStore('foreign', 'x', []);
  assert.match(await checked({ env: { exportReferencesGraph: `graph ${other}` } }, 'true'), /not in the input closure/);
});

test('several outputs, in a cycle or missing', needsSandbox, async () => {
  const made = add('mkdir $out $dev; echo $out > $dev/x; echo lib > $out/y; chmod 500 $out', { outputs: ['out', 'dev'] });
  const places = await builds.build(made);
  assert.equal(read(join(places.get('dev') as string, 'x')), `${made.out}\n`);
  assert.deepEqual(builds.store.queryPathInfo(made.outputs.get('dev') as StorePath)?.references, [made.out]);
  assert.match(await checked({ outputs: ['out', 'dev'] }, 'mkdir $out'), /did not make its output dev/);
});

test('fixed outputs: flat and recursive, wrong and executable ones', needsSandbox, async () => {
  const flat = { method: 'flat', hash: hashOf('sha256', 'x\n') } as const;
  assert.equal(await said('echo x > $out; [ $NIX_OUTPUT_CHECKED = 1 ]', { fixed: flat }), 'x\n');
  assert.match(await checked({ fixed: { ...flat, hash: hashOf('sha256', 'y') } }, 'echo x > $out'), /hash mismatch in fixed-output derivation/);
  assert.match(await checked({ fixed: flat }, 'echo x > $out; chmod +x $out'), /must be a regular file that is not executable/);
  const plain = add('mkdir $out; echo 1 > $out/a');
  const { narHash: hash } = (await builds.build(plain), builds.store.queryPathInfo(plain.out))!;
  const made = builds.add('recursive', { script: 'mkdir $out; echo 1 > $out/a', fixed: { method: 'recursive', hash } });
  assert.equal(read(join((await builds.build(made)).get('out') as string, 'a')), '1\n');
});

test('impureEnvVars reach fixed outputs only', needsSandbox, async () => {
  const env = { impureEnvVars: 'http_proxy missing', http_proxy: 'mine' };
  const environment = { PATH: process.env['PATH'], http_proxy: 'theirs' };
  const script = 'echo "$http_proxy" > $out';
  const fixed = add(script, { env, fixed: { method: 'flat', hash: hashOf('sha256', 'theirs\n') } });
  assert.equal(read((await builds.build(fixed, { environment })).get('out')), 'theirs\n');
  assert.equal(read((await builds.build(add(script, { env }), { environment })).get('out')), 'mine\n');
  const chosen = add(script, { env, fixed: { method: 'flat', hash: hashOf('sha256', 'chosen\n') } });
  const impureEnvironment = { http_proxy: 'chosen' };
  assert.equal(read((await builds.build(chosen, { environment, impureEnvironment })).get('out')), 'chosen\n');
});

test('limits on references', needsSandbox, async () => {
  const low = add('echo low > $out');
  const high = add(`echo ${low.out} > $out`, { inputs: [low] });
  const cases: [Record<string, string>, string, RegExp][] = [
    [{ allowedReferences: '' }, 'echo x > $out', /^built$/],
    [{ allowedReferences: '' }, 'echo $out > $out', /not allowed to refer/],
    [{ allowedReferences: 'out' }, 'echo $out > $out', /^built$/],
    [{ allowedReferences: high.out }, `echo ${high.out} > $out`, /^built$/],
    [{ allowedRequisites: high.out }, `echo ${high.out} > $out`, /not allowed to refer[^]*-feature/],
    [{ allowedRequisites: `${high.out} ${low.out}` }, `echo ${high.out} > $out`, /^built$/],
    [{ disallowedReferences: low.out }, `echo ${high.out} > $out`, /^built$/],
    [{ disallowedReferences: high.out }, `echo ${high.out} > $out`, /not allowed to refer/],
    [{ disallowedRequisites: low.out }, `echo ${high.out} > $out`, /not allowed to refer/],
    [{ allowedReferences: 'dev' }, 'echo x > $out', /not a valid output of this derivation/],
  ];
  for (const [env, script, message] of cases) {
    assert.match(await checked({ env, inputs: [high] }, script), message, JSON.stringify(env));
  }
});

test('outputChecks and unsafeDiscardReferences of structured attributes', needsSandbox, async () => {
  const low = add('echo low > $out');
  const write = `echo ${low.out} > ${outputPlaceholder('out')}`;
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ outputChecks: { out: { maxSize: 10 } } }, /it has [0-9]+ bytes, and the limit is 10/],
    [{ outputChecks: { out: { maxClosureSize: 200 } } }, /its closure has [0-9]+ bytes/],
    [{ outputChecks: { out: { maxClosureSize: 20000 } } }, /^built$/],
    [{ outputChecks: { out: { disallowedReferences: [low.out] } } }, /not allowed to refer/],
    [{ outputChecks: { dev: { disallowedReferences: [low.out] } } }, /^built$/],
    [{ disallowedReferences: [low.out] }, /^built$/],
    [{ outputChecks: { out: { maxSize: 'x' } } }, /outputChecks\.out\.maxSize .* must be a whole number/],
  ];
  for (const [structured, message] of cases) {
    assert.match(await checked({ structured, inputs: [low] }, write), message, JSON.stringify(structured));
  }
  const discarding = builds.add('discarding', { script: write, inputs: [low], structured: { unsafeDiscardReferences: { out: true } } });
  await builds.build(discarding);
  assert.deepEqual(builds.store.queryPathInfo(discarding.out)?.references, []);
});

test('a failed build: status, last lines, log, kept folder; nothing is left', needsSandbox, async () => {
  const script = 'i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); done; echo to stderr >&2; echo kept > file; touch $out; exit 7';
  const made = add(script);
  const kept = join(builds.root, 'kept');
  const progress = recordingProgress();
  await assert.rejects(builds.build(made, { keepFailedIn: kept }, { progress }), (error: UserError) => {
    assert.equal(error.code, 'BUILD_FAILED');
    assert.match(error.message, /Reason: builder failed with exit code 7\.\nLast 25 log lines:\n> line 6\n[^]*> line 29\n> to stderr\nFor full logs, run:\n {2}nix-store -l \/nix\/store\/.*\.drv$/);
    return true;
  });
  assert.match(builds.logOf(made), /^line 0\n[^]*to stderr\n$/);
  const [folder = ''] = readdirSync(kept);
  assert.equal(read(join(kept, folder, 'build/file')), 'kept\n');
  assert.ok(progress.messages.some((message) => message.includes(`note: keeping build directory "${join(kept, folder, 'build')}"`)));
  const store = join(builds.root, 'nix/store');
  assert.deepEqual(readdirSync(store).filter((name) => existsSync(join(store, name, 'build')) || name.endsWith(made.out.slice(44))), []);
  await assert.rejects(builds.build(add('kill -9 $$ ; sh -c "kill -9 \\$\\$"; exit 137')), /builder failed due to signal 9 \(Killed\)/);
  await assert.rejects(builds.build(add('exit 255')), /builder failed with exit code 255/);
});

test('limits of time, of silence and of the log; stopping', needsSandbox, async () => {
  const slow = 'echo begun; sleep 30; echo x > $out';
  const begun = Date.now();
  await assert.rejects(builds.build(add(slow), { limits: { timeoutSeconds: 0.3 } }), /timed out after 0\.3 seconds/);
  await assert.rejects(builds.build(add(slow), { limits: { silenceSeconds: 0.3 } }), /timed out after 0\.3 seconds of silence/);
  await assert.rejects(builds.build(add('while true; do echo y; done'), { limits: { logBytes: 1000 } }), /more than 1000 bytes of log/);
  await assert.rejects(builds.build(add(slow), {}, { signal: AbortSignal.timeout(300) }), { name: 'TimeoutError' });
  assert.ok(Date.now() - begun < 15_000);
});

/** Processes with the mark, in how many namespaces of processes each is (bwrap in ours only), and whether as their first. */
function find(mark: string): { pid: number; depth: number; isFirst: boolean }[] {
  return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).flatMap((name) => {
    try {
      if (!readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(mark)) return [];
      const inner = readFileSync(`/proc/${name}/status`, 'latin1').match(/^NSpid:.*$/m)?.[0].split('\t').slice(1) ?? [];
      return [{ pid: Number(name), depth: inner.length, isFirst: inner.at(-1) === '1' }];
    } catch {
      return [];
    }
  });
}

async function untilNobodyLives(mark: string): Promise<void> {
  for (let tries = 0; find(mark).length > 0; tries++) {
    assert.ok(tries < 100, 'somebody lives');
    await sleep(20);
  }
}

test('a build that is stopped while its sandbox is set up leaves nobody', needsSandbox, async () => {
  const mark = `early-${process.pid}`;
  for (let wait = 0; wait < 40; wait += 2) {
    const stop = new AbortController();
    const building = builds.build(add(`: ${mark}; while true; do sleep 1; done`), {}, { signal: stop.signal });
    const stopped = assert.rejects(building, { name: 'AbortError' });
    // From when its bwrap is there, a little later each time.
    for (let tries = 0; tries < 1000 && find(mark).length === 0; tries++) await sleep(1);
    await sleep(wait);
    stop.abort();
    await stopped;
  }
  await untilNobodyLives(mark);
});

test('a builder that is killed from outside has failed, and so has one whose bwrap is', needsSandbox, async () => {
  for (const inside of [true, false]) {
    const mark = `mark-${process.pid}-${inside}`;
    const made = add(`: ${mark}; echo begun > $out; while true; do sleep 1; done`);
    const failing = assert.rejects(builds.build(made), /builder failed due to signal 9 \(Killed\)/);
    const store = join(builds.root, 'nix/store');
    const hasBegun = () => readdirSync(store).some((name) => existsSync(join(store, name, 'store', made.out.slice('/nix/store/'.length))));
    for (let tries = 0; !hasBegun(); tries++) {
      assert.ok(tries < 1000, 'it does not begin');
      await sleep(20);
    }
    // What the builder starts has its name for a moment.
    const victim = find(mark).find(({ depth, isFirst }) => (inside ? depth > 1 && isFirst : depth === 1));
    process.kill(victim?.pid as number, 'SIGKILL');
    await failing;
    assert.equal(builds.store.isValidPath(made.out), false);
    assert.equal(existsSync(builds.store.physicalPath(made.out)), false);
    await untilNobodyLives(mark);
  }
});

test('what cannot be built here is said', needsSandbox, async () => {
  assert.match(await checked({ system: 'm68k-linux' }, 'true'), /needs a machine of the system m68k-linux/);
  assert.match(await checked({ env: { requiredSystemFeatures: 'kvm big-parallel' } }, 'true'), /with the features kvm\.$/);
  assert.match(await checked({ builder: '/bin/sh' }, 'true'), /builder \/bin\/sh is not in its input closure/);
  const foreign = builds.store.addTextToStore('foreign', 'x', []);
  assert.match(await checked({ builder: foreign }, 'true'), /is not in its input closure/);
});

test('without bwrap, or without leave to make namespaces, nothing is built', needsSandbox, async () => {
  const made = add('echo x > $out');
  await assert.rejects(builds.build(made, { environment: { PATH: '/nowhere' } }), { hint: /apt install bubblewrap/, message: /bwrap.*is not on PATH/ });
  assert.equal(builds.store.isValidPath(made.out), false);
  const refusing = add('mkdir $out; { echo "#!/bin/sh"; echo "echo no namespaces >&2; exit 1"; } > $out/bwrap; chmod +x $out/bwrap');
  const folder = (await builds.build(refusing)).get('out') as string;
  await assert.rejects(builds.build(made, { environment: { PATH: folder } }), { hint: /unprivileged_userns/, message: /does not let bwrap make namespaces: no namespaces/ });
  assert.equal(builds.store.isValidPath(made.out), false);
});

test('in a container with few users, builders are who we are; without namespaces nothing is built', needsSandbox, (context) => {
  const inside = (...script: string[]) => spawnSync('unshare', ['-U', '-r', 'sh', '-c', script.join('; ')], { encoding: 'utf8' });
  if (inside('true').status !== 0) return context.skip('namespaces cannot be made here by unshare');
  const root = mkdtempSync(join(tmpdir(), 'firn-container-'));
  const build = (name: string) => `'${process.execPath}' --disable-warning=ExperimentalWarning '${join(import.meta.dirname, '../../src/cli/main.ts')}' nix-build `
    + `--option require-drop-supplementary-groups false --store '${root}' --no-out-link -E 'derivation { name = "${name}"; system = builtins.currentSystem; `
    + 'builder = (builtins.path { path = /usr/bin; name = "b"; filter = path: type: baseNameOf path == "busybox"; }) + "/busybox"; '
    + 'args = [ "sh" "-c" "echo x > $out" ]; }\'';
  try {
    if (existsSync('/usr/bin/busybox')) {
      const built = inside(build('made'));
      assert.equal(built.status, 0, built.stderr);
    }
    const refused = inside('echo 0 > /proc/sys/user/max_user_namespaces', build('refused'));
    assert.match(refused.stderr, /does not let bwrap make namespaces[^]*hint: allow unprivileged user namespaces/);
    assert.notEqual(refused.status, 0);
  } finally {
    deleteTree(root);
  }
});

test('shared memory has the size that is set', needsSandbox, async () => {
  const made = add('head -c 300000 /dev/zero > /dev/shm/x 2>/dev/null; stat -c %s /dev/shm/x > $out');
  const place = (await builds.build(made, { sharedMemoryBytes: 131072 })).get('out') as string;
  assert.ok(Number(read(place)) <= 131072);
});
