/** Elder names of settings, which C++ Nix and the scripts written for it still know. */

const aliases: ReadonlyMap<string, string> = new Map(Object.entries({
  'binary-caches': 'substituters', 'binary-cache-public-keys': 'trusted-public-keys',
  'build-compress-log': 'compress-build-log', 'build-cores': 'cores', 'build-extra-sandbox-paths': 'extra-sandbox-paths',
  'build-fallback': 'fallback', 'build-keep-log': 'keep-build-log', 'build-max-jobs': 'max-jobs',
  'build-max-log-size': 'max-build-log-size', 'build-max-silent-time': 'max-silent-time',
  'build-sandbox-paths': 'sandbox-paths', 'build-timeout': 'timeout', 'build-use-chroot': 'sandbox',
  'build-use-sandbox': 'sandbox', 'build-use-substitutes': 'substitute', 'env-keep-derivations': 'keep-env-derivations',
  'extra-binary-caches': 'extra-substituters', 'filetransfer-retry-attempts': 'download-attempts',
  'gc-keep-derivations': 'keep-derivations', 'gc-keep-outputs': 'keep-outputs',
  'trusted-binary-caches': 'trusted-substituters', 'use-substitutes': 'substitute',
}));

/** The name that a setting has now. */
export function currentSettingName(name: string): string {
  return aliases.get(name) ?? name;
}
