/** Settings: kinds and their usual forms, adding, elder names, features, and what is warned of. */

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificatesFile, currentSettingName, readSettings, settingForms, userConfigurationFiles, type NixSettings } from '#host';
import { folderWith } from '../support/firn.ts';

const folder = folderWith({ 'system/nix.conf': '', 'user.conf': '', 'included.conf': 'cores = 7\n' });

/** Settings of a text as NIX_CONFIG, without any file. */
function settingsOf(text: string, overrides: readonly (readonly [string, string])[] = []): NixSettings {
  const environment = { NIX_CONF_DIR: join(folder, 'system'), NIX_USER_CONF_FILES: '', NIX_CONFIG: text };
  return readSettings({ environment, overrides });
}

const usual: readonly (readonly [text: string, name: string, value: string | undefined])[] = [
  ['min-free = 64K', 'min-free', '65536'],
  ['min-free = 2g', 'min-free', '2147483648'],
  ['max-free = 4T', 'max-free', '4398046511104'],
  ['fallback = yes', 'fallback', 'true'],
  ['fallback = 0', 'fallback', 'false'],
  ['build-cores = 3', 'cores', '3'],
  ['cores = 3', 'build-cores', '3'],
  ['extra-binary-caches = b\nsubstituters = a', 'substituters', 'a'],
  ['substituters = a\nextra-binary-caches = b  c', 'substituters', 'a b c'],
  ['extra-platforms = z a', 'extra-platforms', 'a z'],
  ['extra-extra-platforms = z a', 'extra-platforms', 'a z'],
  ['experimental-features = nix-command flakes', 'experimental-features', 'fetch-tree flakes nix-command'],
  ['accept-flake-config = true\nexperimental-features = flakes', 'accept-flake-config', 'true'],
  ['accept-flake-config = true', 'accept-flake-config', undefined],
  ['warn-short-path-literals = true', 'lint-short-path-literals', 'warn'],
  ['lint-short-path-literals = fatal\nwarn-short-path-literals = true', 'lint-short-path-literals', 'fatal'],
  ['cores = 1 # not 2', 'cores', '1'],
  [`include ${join(folder, 'included.conf')}`, 'cores', '7'],
  [`cores = 1\n!include ${join(folder, 'nowhere.conf')}`, 'cores', '1'],
];

test('the usual form of values', () => {
  for (const [text, name, value] of usual) assert.equal(settingsOf(text).text(name), value, text);
});

const warned: readonly (readonly [text: string, warnings: readonly string[]])[] = [
  ['cores = 1', []],
  ['zebra = 1\naardvark = 2\nzebra = 3', ["unknown setting 'aardvark'", "unknown setting 'zebra'"]],
  ['extra-cores = 1', ["unknown setting 'extra-cores'"]],
  ['experimental-features = nope', ["unknown experimental feature 'nope'"]],
  ['use-registries = false', ["Ignoring setting 'use-registries' because experimental feature 'flakes' is not enabled"]],
  ['warn-short-path-literals = true',
    ["'warn-short-path-literals' is deprecated, use 'lint-short-path-literals = warn' instead"]],
];

test('what has no effect is warned of', () => {
  for (const [text, warnings] of warned) assert.deepEqual(settingsOf(text).warnings, warnings, text);
});

const refused: readonly (readonly [text: string, message: RegExp])[] = [
  ['fallback = maybe', /^Boolean setting 'fallback' has invalid value 'maybe'$/],
  ['cores = many', /^setting 'cores' has invalid value 'many'$/],
  ['min-free = 2X', /^setting 'min-free' has invalid value '2X'$/],
  ['max-jobs = all', /^configuration setting 'max-jobs' should be 'auto' or an integer$/],
  ['sandbox = perhaps', /^option 'sandbox' has invalid value 'perhaps'$/],
  ['lint-url-literals = on', /\(expected 'ignore', 'warn', or 'fatal'\)$/],
  ['netrc-file =', /^setting 'netrc-file' is a path and paths cannot be empty$/],
  ['cores', /^syntax error in configuration line 'cores' in "NIX_CONFIG"$/],
  ['include /nowhere/at/all', /^file "\/nowhere\/at\/all" included from "NIX_CONFIG" not found$/],
];

test('values that a setting cannot have are refused', () => {
  for (const [text, message] of refused) assert.throws(() => settingsOf(text), { message }, text);
});

test('flags count for more than NIX_CONFIG, that for more than files, the first folder for most', () => {
  const folders = ['own', 'first', 'second'].map((name) => join(folder, name));
  folders.forEach((place, index) => {
    mkdirSync(join(place, 'nix'), { recursive: true });
    writeFileSync(join(place, 'nix/nix.conf'), `cores = ${index + 1}\n${index > 0 ? `timeout = ${index + 1}` : ''}`);
  });
  const environment = {
    NIX_CONF_DIR: join(folder, 'system'), XDG_CONFIG_HOME: folders[0], XDG_CONFIG_DIRS: folders.slice(1).join(':'),
  };
  assert.deepEqual(userConfigurationFiles(environment), folders.map((place) => join(place, 'nix/nix.conf')));
  const read = (more: Record<string, string>, overrides: [string, string][] = []) =>
    readSettings({ environment: { ...environment, ...more }, overrides });
  assert.equal(read({}).text('cores'), '1');
  assert.equal(read({}).text('timeout'), '2');
  assert.equal(read({ NIX_CONFIG: 'cores = 8' }).text('cores'), '8');
  assert.equal(read({ NIX_CONFIG: 'cores = 8' }, [['cores', '9']]).text('cores'), '9');
});

test('ssl-cert-file counts for more than the environment, an empty one for none', () => {
  const environment = { NIX_SSL_CERT_FILE: '/environment.pem' };
  assert.equal(certificatesFile(settingsOf('ssl-cert-file = /own.pem'), environment), '/own.pem');
  assert.equal(certificatesFile(settingsOf(''), environment), '/environment.pem');
  assert.equal(certificatesFile(settingsOf('ssl-cert-file ='), environment), undefined);
});

test('elder names lead to settings that exist, and every default is a value of its kind', () => {
  for (const { name, aliases, otherwise, kind } of settingForms.values()) {
    for (const alias of aliases) assert.equal(currentSettingName(alias), name);
    if (kind === 'path' || otherwise === '') continue;
    const features = 'experimental-features = flakes auto-allocate-uids local-overlay-store\n';
    assert.equal(settingsOf(`${features}${name} = ${otherwise}`).text(name), otherwise, name);
  }
});
