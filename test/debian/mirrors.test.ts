/** Which servers are asked. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { chooseMirrors, parseDeb822Sources, parseOneLineSources, resolveMirrorUrl } from '#debian';

const scratch = mkdtempSync(join(tmpdir(), 'firn-mirrors-'));
after(() => { rmSync(scratch, { recursive: true }); });

test('one-line sources: of Debian, of its security archive, of others', () => {
  const text = [
    '# deb http://commented.example/debian trixie main',
    'deb http://a.example/debian/ bookworm main contrib # comment',
    'deb [arch=amd64 signed-by=/x.gpg] https://b.example/debian-security bookworm-security main',
    'deb-src http://c.example/debian bookworm main',
    'deb http://vendor.example/linux/debian bookworm stable',
    'deb http://vendor.example/apt cloud-bookworm main',
    'deb cdrom:[Debian]/ bookworm main',
    'deb http://d.example/debian-security buster/updates main',
  ].join('\n');
  assert.deepEqual(parseOneLineSources(text), [
    { archive: 'debian', base: 'http://a.example/debian' },
    { archive: 'debian-security', base: 'https://b.example/debian-security' },
    { archive: 'debian-security', base: 'http://d.example/debian-security' },
  ]);
});

test('deb822 sources, disabled ones left out', () => {
  const text = [
    'Types: deb deb-src', 'URIs: http://a.example/debian http://b.example/debian', 'Suites: trixie trixie-updates',
    'Components: main', '', 'Types: deb', 'Enabled: no', 'URIs: http://c.example/debian', 'Suites: trixie',
    'Components: main', '', 'Types: deb', 'URIs: http://a.example/sec', 'Suites: trixie-security', 'Components: main', '',
  ].join('\n');
  assert.deepEqual(parseDeb822Sources(text), [
    { archive: 'debian', base: 'http://a.example/debian' },
    { archive: 'debian', base: 'http://b.example/debian' },
    { archive: 'debian-security', base: 'http://a.example/sec' },
  ]);
});

test('the user\'s mirror is the only one; without it, apt\'s, then the default', () => {
  const apt = join(scratch, 'apt');
  mkdirSync(join(apt, 'sources.list.d'), { recursive: true });
  writeFileSync(join(apt, 'sources.list'), 'deb http://a.example/debian trixie main\n');
  writeFileSync(join(apt, 'sources.list.d/x.list'), 'deb http://s.example/sec trixie-security main\n');
  const own = chooseMirrors({ mirror: 'http://m.example/debian/', aptFolder: apt });
  assert.deepEqual(own.debian, ['http://m.example/debian']);
  assert.deepEqual(own['debian-security'], ['http://m.example/debian-security']);
  const found = chooseMirrors({ aptFolder: apt });
  assert.deepEqual(found.debian, ['http://a.example/debian', 'https://mirrors.kernel.org/debian']);
  assert.deepEqual(found['debian-security'].slice(0, 2), ['http://s.example/sec', 'http://a.example/debian-security']);
  assert.deepEqual(chooseMirrors({ aptFolder: join(scratch, 'none') }).debian, ['https://mirrors.kernel.org/debian']);
});

test('a neutral URL becomes one of each mirror, with its name escaped', () => {
  const mirrors = chooseMirrors({ mirror: 'http://m.example/debian' });
  assert.deepEqual(resolveMirrorUrl('mirror://debian/pool/a/a_1~b+c_all.deb', mirrors), ['http://m.example/debian/pool/a/a_1~b+c_all.deb']);
  assert.deepEqual(resolveMirrorUrl('mirror://debian-security/x%3a y', mirrors), ['http://m.example/debian-security/x%253a%20y']);
  assert.equal(resolveMirrorUrl('http://elsewhere.example/x', mirrors), undefined);
});
