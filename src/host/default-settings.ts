/** What settings are that nothing sets; only a command that shows settings needs to know. */

import { hostSystem } from './settings.ts';

/** Values of settings that nothing sets, in C++ Nix's words, where they differ from an empty one. */
export const defaultSettings: ReadonlyMap<string, string> = new Map(Object.entries({
  'allow-import-from-derivation': 'true', 'builders-use-substitutes': 'false', 'connect-timeout': '15', cores: '0',
  'download-attempts': '5', 'eval-cache': 'true', fallback: 'false', 'fsync-metadata': 'true', 'http-connections': '25',
  'keep-derivations': 'true', 'keep-failed': 'false', 'keep-going': 'false', 'keep-outputs': 'false', 'log-lines': '25',
  'max-build-log-size': '0', 'max-call-depth': '10000', 'max-jobs': 'auto', 'max-silent-time': '0',
  'narinfo-cache-negative-ttl': '3600', 'narinfo-cache-positive-ttl': '2592000', 'pure-eval': 'false',
  'require-sigs': 'true', 'restrict-eval': 'false', sandbox: 'true', 'show-trace': 'false',
  'stalled-download-timeout': '300', store: 'auto', substitute: 'true', system: hostSystem(), timeout: '0',
}));
