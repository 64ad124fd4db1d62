/** From the signed release file to the channel, against an archive of our own on loopback. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { readKey } from 'openpgp';
import { chooseMirrors, ensureChannel, updateChannel, type Channel, type ChannelOptions } from '#debian';
import { deadUrl, startServer, type TestServer } from '../support/http-server.ts';
import { makeKey, packageParagraph, publish, signText, type TestKey } from './archive.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-channel-'));
const now = new Date('2026-11-22T12:00:00Z');
let server: TestServer;
let key: TestKey;
let stranger: TestKey;
let count = 0;

before(async () => {
  [server, key, stranger] = await Promise.all([startServer(), makeKey(), makeKey()]);
});
after(async () => {
  await server.close();
  rmSync(scratch, { recursive: true });
});
beforeEach(() => {
  server.files.clear();
  server.requests.length = 0;
});

const freshLock = (): string => join(scratch, `firn${count++}.lock`);

function options(changes: Partial<ChannelOptions> = {}): ChannelOptions {
  return {
    mirrors: { ...chooseMirrors({ mirror: `${server.url}/debian` }), snapshot: `${server.url}/snapshot` },
    cacheDirectory: join(scratch, `cache${count++}`),
    keys: [key.publicKey],
    now,
    retries: 0,
    ...changes,
  };
}

function record(channel: Channel, name: string, set: 'main' | 'backports' = 'main'): Record<string, unknown> {
  const sets = readFileSync(join(channel.path, `amd64/${set}/sets.json`), 'utf8');
  const digits = (JSON.parse(sets) as { shardDigits: number }).shardDigits;
  const shard = createHash('sha256').update(name).digest('hex').slice(0, digits);
  const text = readFileSync(join(channel.path, `amd64/${set}/packages/${shard}.json`), 'utf8');
  return (JSON.parse(text) as Record<string, Record<string, unknown>>)[name] as Record<string, unknown>;
}

const dependencies = [
  packageParagraph('base', { Version: '2.0-1', 'Pre-Depends': 'early (>= 1)', Depends: 'mail | sendmail, virtual, gone | base-lib (>= 1.5)' }),
  packageParagraph('early'),
  packageParagraph('mail', { Version: '0.5', Conflicts: 'sendmail' }),
  packageParagraph('postfix', { Provides: 'sendmail, virtual (= 2)', Conflicts: 'sendmail', Priority: 'extra' }),
  packageParagraph('exim', { Provides: 'sendmail, virtual' }),
  packageParagraph('base-lib', { Version: '1.6', Essential: 'yes', Priority: 'required' }),
  packageParagraph('asks', { Depends: 'virtual (>= 2), base-lib:any, base (<< 2.0~) | nowhere' }),
  packageParagraph('self', { Provides: 'thing', Depends: 'thing | early', Recommends: 'early, unknown' }),
].join('\n');

test('dependencies are reduced to names, in a fixed order', async () => {
  await publish(server, key, { packages: { trixie: dependencies } });
  const channel = await ensureChannel(freshLock(), options());
  assert.deepEqual(record(channel, 'base')['depends'], ['early', ['mail', 'exim', 'postfix'], ['exim', 'postfix'], 'base-lib']);
  const asks = record(channel, 'asks');
  assert.deepEqual(asks['depends'], ['postfix', 'base-lib']);
  assert.deepEqual(asks['unsatisfied'], ['base (<< 2.0~) | nowhere']);
  assert.deepEqual(record(channel, 'mail')['conflicts'], ['exim', 'postfix']);
  assert.deepEqual(record(channel, 'postfix')['conflicts'], ['exim']);
  assert.equal(record(channel, 'self')['depends'], undefined);
  assert.deepEqual(record(channel, 'self')['recommends'], ['early']);
  const sets = JSON.parse(readFileSync(join(channel.path, 'amd64/main/sets.json'), 'utf8')) as Record<string, string[]>;
  assert.deepEqual(sets['essential'], ['base-lib']);
});

test('the highest version of the main suites wins; backports stay apart and look to main first', async () => {
  const versioned = (version: string, fields: Record<string, string> = {}): string =>
    packageParagraph('tool', { Version: version, ...fields });
  await publish(server, key, {
    packages: {
      trixie: `${versioned('1.0-1')}\n${packageParagraph('lib', { Version: '1' })}`,
      'trixie-updates': versioned('1.0-1+deb13u1'),
      'trixie-security': versioned('1.0-1+deb13u2', { Filename: 'pool/updates/main/t/tool_1.deb' }),
      'trixie-backports': `${versioned('3~bpo13+1', { Depends: 'lib, lib (>= 2), extra' })}\n${packageParagraph('lib', { Version: '2~bpo13+1' })}\n${packageParagraph('extra')}`,
    },
  });
  const channel = await ensureChannel(freshLock(), options());
  assert.equal(record(channel, 'tool')['version'], '1.0-1+deb13u2');
  assert.equal(record(channel, 'tool')['url'], 'mirror://debian-security/pool/updates/main/t/tool_1.deb');
  const backport = record(channel, 'tool', 'backports');
  assert.equal(backport['version'], '3~bpo13+1');
  // 2~bpo sorts before 2, so nothing satisfies the second clause.
  assert.deepEqual(backport['depends'], [['lib', 'backports/lib'], 'backports/extra']);
  assert.deepEqual(backport['unsatisfied'], ['lib (>= 2)']);
});

test('the lock is made once, says the state alone, and is used afterwards', async () => {
  await publish(server, key, { packages: { trixie: packageParagraph('aa') } });
  const [first, second] = [freshLock(), freshLock()];
  const shared = options();
  const made = await ensureChannel(first, shared);
  assert.equal(made.lockMade, true);
  await ensureChannel(second, options());
  assert.equal(readFileSync(first, 'utf8'), readFileSync(second, 'utf8'));
  assert.ok(!readFileSync(first, 'utf8').includes('127.0.0.1'));
  server.requests.length = 0;
  const again = await ensureChannel(first, shared);
  assert.deepEqual([again.lockMade, again.path, server.requests], [false, made.path, []]);
});

test('several runs at once make one channel', async () => {
  await publish(server, key, { packages: { trixie: dependencies } });
  const shared = options();
  const lock = freshLock();
  const paths = await Promise.all([1, 2, 3].map(async () => (await ensureChannel(lock, shared)).path));
  assert.equal(new Set(paths).size, 1);
  assert.deepEqual(readdirSync(join(shared.cacheDirectory, 'channels')).length, 1);
});

test('an index that the mirror replaced is found by its hash, or in the snapshot archive, or not at all', async () => {
  await publish(server, key, { packages: { trixie: packageParagraph('old') } });
  const lock = freshLock();
  await ensureChannel(lock, options());
  const oldFiles = new Map(server.files);
  await publish(server, key, { packages: { trixie: packageParagraph('new') }, date: 'Sun, 22 Nov 2026 02:00:00 UTC' });
  assert.equal(record(await ensureChannel(lock, options()), 'old')['version'], '1.0-1');

  for (const path of [...server.files.keys()]) {
    if (!path.includes('/dists/trixie/main/')) continue;
    server.files.delete(path);
  }
  await assert.rejects(ensureChannel(lock, options()), {
    code: 'INDEX_GONE',
    hint: 'run firn update to pin the present state of the archive',
  });
  const index = oldFiles.get('/debian/dists/trixie/main/binary-amd64/Packages.xz') as Uint8Array;
  server.files.set('/snapshot/archive/debian/20261121T141046Z/dists/trixie/main/binary-amd64/Packages.xz', index);
  assert.equal(record(await ensureChannel(lock, options()), 'old')['version'], '1.0-1');
});

test('update renews the lock, and never goes back', async () => {
  await publish(server, key, { packages: { trixie: packageParagraph('aa') }, date: 'Fri, 20 Nov 2026 02:00:00 UTC' });
  const lock = freshLock();
  await ensureChannel(lock, options());
  const before = readFileSync(lock, 'utf8');
  await publish(server, key, { packages: { trixie: packageParagraph('bb') }, date: 'Sat, 21 Nov 2026 02:00:00 UTC' });
  const channel = await updateChannel(lock, options());
  assert.equal(record(channel, 'bb')['version'], '1.0-1');
  const renewed = readFileSync(lock, 'utf8');
  assert.notEqual(renewed, before);
  await publish(server, key, { date: 'Fri, 20 Nov 2026 02:00:00 UTC' });
  await assert.rejects(updateChannel(lock, options()), { code: 'RELEASE_OLDER' });
  assert.equal(readFileSync(lock, 'utf8'), renewed);
});

test('release files that must not be believed', async () => {
  const cases: [string, Parameters<typeof publish>[2], string, RegExp][] = [
    ['expired', { validUntil: 'Sat, 21 Nov 2026 03:00:00 UTC' }, 'RELEASE_EXPIRED', /expired on Sat, 21 Nov/],
    ['from the future', { date: 'Tue, 24 Nov 2026 02:00:00 UTC' }, 'RELEASE_FROM_FUTURE', /24 Nov 2026/],
    ['another suite', { fields: { Codename: 'bookworm' } }, 'MALFORMED_RELEASE', /Codename is bookworm, wanted trixie/],
    ['another origin', { fields: { Origin: 'Vendor' } }, 'MALFORMED_RELEASE', /Origin is Vendor/],
    ['no date', { date: 'yesterday' }, 'MALFORMED_RELEASE', /yesterday/],
  ];
  for (const [name, state, code, message] of cases) {
    await publish(server, key, state);
    await assert.rejects(ensureChannel(freshLock(), options()), { code, message }, name);
  }
  await publish(server, stranger);
  await assert.rejects(ensureChannel(freshLock(), options()), { code: 'BAD_SIGNATURE' }, 'a stranger\'s key');
  await publish(server, key);
  const path = '/debian/dists/trixie/InRelease';
  const good = server.files.get(path) as string;
  server.files.set(path, good.replace('Origin: Debian', 'Origin:  Debian'));
  await assert.rejects(ensureChannel(freshLock(), options()), { code: 'BAD_SIGNATURE' }, 'altered');
  server.files.set(path, 'Origin: Debian\n');
  await assert.rejects(ensureChannel(freshLock(), options()), { code: 'BAD_SIGNATURE' }, 'unsigned');
  // What stands outside the signature must not be read.
  const inner = await signText('Origin: Debian\n', key);
  server.files.set(path, `Origin: Debian\nLabel: Debian\nCodename: trixie\n\n${inner}`);
  await assert.rejects(ensureChannel(freshLock(), options()), { code: 'BAD_SIGNATURE' }, 'text before');
});

test('an altered index is refused', async () => {
  await publish(server, key, { packages: { trixie: packageParagraph('aa') } });
  for (const path of server.files.keys()) {
    if (path.includes('/dists/trixie/main/')) server.files.set(path, Buffer.from('evil'));
  }
  await assert.rejects(ensureChannel(freshLock(), options()), (error: Error & { code: string; cause: Error & { code: string } }) =>
    error.code === 'INDEX_GONE' && error.cause.code !== 'INDEX_GONE');
});

test('dead mirrors are passed over; none left is an error that names them', async () => {
  await publish(server, key, { packages: { trixie: packageParagraph('aa') } });
  const dead = await deadUrl();
  const both = {
    debian: [`${dead}/debian`, `${server.url}/debian`],
    'debian-security': [`${dead}/debian-security`, `${server.url}/debian-security`],
    snapshot: undefined,
  };
  await ensureChannel(freshLock(), options({ mirrors: both }));
  const onlyDead = { debian: [`${dead}/debian`], 'debian-security': [`${dead}/debian-security`], snapshot: undefined };
  await assert.rejects(ensureChannel(freshLock(), options({ mirrors: onlyDead })), {
    code: 'NO_MIRROR',
    message: new RegExp(`No Debian mirror serves dists/trixie[^ ]*/InRelease; tried ${dead}/debian`),
  });
});

test('lock files that cannot be used say why', async () => {
  const cases: [string, RegExp][] = [
    ['{', /it is not JSON/],
    ['{"version": 2}', /its version is not 1/],
    ['{"version": 1, "release": "sid"}', /for the release sid, wanted trixie/],
    ['{"version": 1, "release": "trixie", "suites": {}}', /its entry trixie is incomplete/],
  ];
  for (const [text, message] of cases) {
    const lock = freshLock();
    writeFileSync(lock, text);
    await assert.rejects(ensureChannel(lock, options()), { code: 'MALFORMED_LOCK', message }, text);
  }
  await publish(server, key);
  const missing = join(scratch, 'no-such-folder/firn.lock');
  await assert.rejects(ensureChannel(missing, options()), { code: 'LOCK_NOT_WRITABLE' });
  const file = join(scratch, 'file');
  writeFileSync(file, '');
  await assert.rejects(ensureChannel(freshLock(), options({ cacheDirectory: file })), { code: 'CACHE_NOT_WRITABLE' });
});

test('Ctrl-C ends the making and leaves nothing', async () => {
  await publish(server, key, { packages: { trixie: dependencies } });
  server.files.set('/debian/dists/trixie/main/binary-amd64/Packages.xz', () => {});
  for (const path of server.files.keys()) if (path.includes('trixie/main/binary-amd64/by-hash')) server.files.set(path, () => {});
  const controller = new AbortController();
  const lock = freshLock();
  const made = ensureChannel(lock, options({ signal: controller.signal }));
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(made, { name: 'AbortError' });
  assert.ok(!readdirSync(scratch).includes(lock.replace(/.*\//, '')));
});

test('the shipped keys are those that the notes say', async () => {
  const folder = new URL('../../src/debian/keys/', import.meta.url);
  const notes = readFileSync(new URL('README.md', folder), 'utf8').replace(/ /g, '');
  for (const name of ['automatic', 'security-automatic', 'stable']) {
    const armored = readFileSync(new URL(`debian-archive-trixie-${name}.asc`, folder), 'utf8');
    const shipped = await readKey({ armoredKey: armored });
    assert.ok(notes.includes(shipped.getFingerprint().toUpperCase()), name);
    assert.ok((await shipped.getExpirationTime() as Date) > new Date('2033-01-01'));
  }
});
