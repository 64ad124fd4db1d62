/**
 * The settings of C++ Nix, which nix.conf, `NIX_CONFIG`, `--option` and flags may set: their kinds,
 * the values that hold if nothing sets them, elder names, and the experimental feature of those
 * that have one.
 *
 * Firn knows them all, whether or not it has use for one: a file written for C++ Nix is no mistake.
 * A default is Firn's own where it differs (`max-jobs`, `substituters`).
 */

import { hostSystem } from './host-system.ts';

/**
 * What values look like. `list`, `set`, `map` and `features` may be added to by `extra-NAME`;
 * `number` takes the units K, M, G and T.
 */
export type SettingKind =
  | 'boolean' | 'number' | 'jobs' | 'sandbox' | 'diagnosis' | 'profiler' | 'text' | 'path'
  | 'list' | 'set' | 'map' | 'features';

export interface SettingForm {
  readonly name: string;
  readonly kind: SettingKind;
  /** In the form in which it is shown. */
  readonly otherwise: string;
  readonly aliases: readonly string[];
  /** Ignored with a warning unless this feature is on. */
  readonly feature: string | undefined;
}

type Row = readonly [name: string, otherwise?: string | number | boolean, more?: RowOptions];

interface RowOptions {
  readonly aliases?: readonly string[];
  readonly feature?: string;
}

const flakes = { feature: 'flakes' };

const rows: Readonly<Record<SettingKind, readonly Row[]>> = {
  boolean: [
    ['abort-on-warn', false], ['accept-flake-config', false, flakes], ['allow-dirty', true],
    ['allow-dirty-locks', false, flakes], ['allow-import-from-derivation', true],
    ['allow-new-privileges', false], ['allow-symlinked-store', false],
    ['allow-unsafe-native-code-during-evaluation', false], ['always-allow-substitutes', false],
    ['auto-allocate-uids', false, { feature: 'auto-allocate-uids' }],
    ['auto-optimise-store', false], ['builders-use-substitutes', false],
    ['compress-build-log', true, { aliases: ['build-compress-log'] }],
    ['darwin-log-sandbox-violations', false], ['debugger-on-trace', false],
    ['debugger-on-warn', false], ['eval-cache', true],
    ['fallback', false, { aliases: ['build-fallback'] }], ['filetransfer-retry-jitter', true],
    ['filter-syscalls', true], ['fsync-metadata', true], ['fsync-store-paths', false],
    ['http2', true], ['http3', false],
    ['ignore-gc-delete-failure', false, { feature: 'local-overlay-store' }], ['ignore-try', false],
    ['impersonate-linux-26', false, { aliases: ['build-impersonate-linux-26'] }],
    ['keep-build-log', true, { aliases: ['build-keep-log'] }],
    ['keep-derivations', true, { aliases: ['gc-keep-derivations'] }],
    ['keep-env-derivations', false, { aliases: ['env-keep-derivations'] }],
    ['keep-failed', false], ['keep-going', false],
    ['keep-outputs', false, { aliases: ['gc-keep-outputs'] }],
    ['nix-shell-always-looks-for-shell-nix', true],
    ['nix-shell-shebang-arguments-relative-to-script', true], ['preallocate-contents', false],
    ['print-missing', true], ['pure-eval', false], ['require-drop-supplementary-groups', false],
    ['require-sigs', true], ['restrict-eval', false], ['run-diff-hook', false],
    ['sandbox-fallback', true], ['show-trace', false],
    ['substitute', true, { aliases: ['build-use-substitutes', 'use-substitutes'] }],
    ['sync-before-registering', false], ['trace-function-calls', false],
    ['trace-import-from-derivation', false], ['trace-verbose', false],
    ['trust-tarballs-from-git-forges', true], ['use-case-hack', false], ['use-cgroups', false],
    ['use-registries', true, flakes], ['use-sqlite-wal', true],
    ['use-xdg-base-directories', false], ['warn-dirty', true], ['warn-short-path-literals', false],
  ],
  number: [
    ['build-hook-kill-timeout', 500], ['build-poll-interval', 5], ['connect-timeout', 15],
    ['cores', 0, { aliases: ['build-cores'] }], ['download-buffer-size', 1048576],
    ['download-speed', 0], ['eval-attrset-update-layer-rhs-threshold', 16],
    ['eval-profiler-frequency', 99],
    ['filetransfer-retry-attempts', 5, { aliases: ['download-attempts'] }],
    ['filetransfer-retry-delay', 100], ['filetransfer-retry-delay-rate-limited', 5000],
    ['filetransfer-retry-max-delay', 60000], ['gc-reserved-space', 8388608],
    ['http-connections', 25, { aliases: ['binary-caches-parallel-connections'] }],
    ['id-count', 8388608], ['log-lines', 25],
    ['max-build-log-size', 0, { aliases: ['build-max-log-size'] }], ['max-call-depth', 10000],
    ['max-free', '9223372036854775807'],
    ['max-silent-time', 0, { aliases: ['build-max-silent-time'] }],
    ['max-substitution-jobs', 16, { aliases: ['substitution-max-jobs'] }], ['min-free', 0],
    ['min-free-check-interval', 5], ['nar-buffer-size', 33554432],
    ['narinfo-cache-meta-ttl', 604800], ['narinfo-cache-negative-ttl', 3600],
    ['narinfo-cache-positive-ttl', 2592000], ['stalled-download-timeout', 300],
    ['start-id', 872415232], ['tarball-ttl', 3600], ['timeout', 0, { aliases: ['build-timeout'] }],
    ['warn-large-path-threshold', 0],
  ],
  jobs: [['max-jobs', 'auto', { aliases: ['build-max-jobs'] }]],
  sandbox: [['sandbox', true, { aliases: ['build-use-chroot', 'build-use-sandbox'] }]],
  diagnosis: [
    ['lint-absolute-path-literals', 'ignore'], ['lint-short-path-literals', 'ignore'],
    ['lint-url-literals', 'ignore'],
  ],
  profiler: [['eval-profiler', 'disabled']],
  text: [
    ['bash-prompt'], ['bash-prompt-prefix'], ['bash-prompt-suffix'], ['build-dir'],
    ['build-users-group'], ['builders'],
    ['commit-lock-file-summary', '', { aliases: ['commit-lockfile-summary'], ...flakes }],
    ['diff-hook'], ['eval-system'], ['external-builders', '[]'],
    ['fixed-output-network', 'isolated'],
    ['flake-registry', '', flakes], ['json-log-path'], ['post-build-hook'], ['pre-build-hook'],
    ['sandbox-dev-shm-size', '50%'], ['ssl-cert-file'], ['store', 'auto'],
    ['system', hostSystem()],
    ['upgrade-nix-store-path-url'], ['user-agent-suffix'],
  ],
  path: [
    ['eval-profile-file', 'nix.profile'], ['netrc-file', '/etc/nix/netrc'],
    ['sandbox-build-dir', '/build'],
  ],
  list: [
    ['allowed-uris'], ['allowed-users', '*'], ['build-hook', 'nix __build-remote'],
    ['hashed-mirrors'], ['nix-path'], ['plugin-files'],
    ['sandbox-paths', '', { aliases: ['build-chroot-dirs', 'build-sandbox-paths'] }],
    ['secret-key-files'], ['substituters', '', { aliases: ['binary-caches'] }],
    ['trusted-public-keys', '', { aliases: ['binary-cache-public-keys'] }],
    ['trusted-substituters', '', { aliases: ['trusted-binary-caches'] }], ['trusted-users', 'root'],
  ],
  set: [
    ['allowed-impure-host-deps'], ['extra-platforms'],
    ['ignored-acls', 'security.csm security.selinux system.nfs4_acl'], ['system-features'],
  ],
  map: [['access-tokens'], ['impure-env', '', { feature: 'configurable-impure-env' }]],
  features: [['experimental-features']],
};

/** All settings, by name. */
export const settingForms: ReadonlyMap<string, SettingForm> = new Map(
  Object.entries(rows).flatMap(([kind, group]) => group.map(([name, otherwise = '', more = {}]) => [name, {
    name, kind: kind as SettingKind, otherwise: String(otherwise), aliases: more.aliases ?? [], feature: more.feature,
  }] as const)));

/** From elder names to those of today. */
const currentNames: ReadonlyMap<string, string> = new Map(
  [...settingForms.values()].flatMap(({ name, aliases }) => aliases.map((alias) => [alias, name] as const)));

/** The name that a setting has now; one with `extra-` keeps it. */
export function currentSettingName(name: string): string {
  const current = currentNames.get(name);
  if (current !== undefined || !name.startsWith('extra-')) return current ?? name;
  return `extra-${currentNames.get(name.slice(6)) ?? name.slice(6)}`;
}

/** Whether `extra-NAME` adds to it. */
export function isAppendable({ kind }: SettingForm): boolean {
  return kind === 'list' || kind === 'set' || kind === 'map' || kind === 'features';
}

/** Experimental features of C++ Nix. */
export const experimentalFeatures: ReadonlySet<string> = new Set([
  'auto-allocate-uids', 'blake3-hashes', 'ca-derivations', 'cgroups', 'configurable-impure-env',
  'daemon-trust-override', 'dynamic-derivations', 'external-builders', 'fetch-closure',
  'fetch-tree', 'flakes', 'git-hashing', 'impure-derivations', 'local-overlay-store',
  'mounted-ssh-store', 'nix-command', 'parse-toml-timestamps', 'pipe-operators',
  'read-only-local-store', 'recursive-nix', 'verified-fetches',
]);
