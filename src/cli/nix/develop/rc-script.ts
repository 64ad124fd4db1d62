/**
 * The shell code that turns a shell into a derivation's build environment.
 *
 * `PATH` and `XDG_DATA_DIRS` of the user stay behind the derivation's own; of the rest, what concerns
 * the place of the build rather than the derivation is left alone. Outputs lead to folders of the
 * user's: nobody can write to the store.
 */

import {
  outputPaths, printEnvironment, textOf, type BuildEnvironment,
} from './build-environment.ts';

export interface RcOptions {
  readonly environment: BuildEnvironment;
  /** Where the environment was read from, for messages. */
  readonly place: string;
  /** Where outputs are to be written: a folder for each below it. */
  readonly outputsFolder: string;
  /** A private folder, for the files of structured attributes. */
  readonly folder: string;
  /** Texts in place of others, above all of store paths; byte strings. */
  readonly redirects: ReadonlyMap<string, string>;
}

export interface RcScript {
  readonly text: string;
  /** Files that the script refers to, by their paths. */
  readonly files: ReadonlyMap<string, string>;
}

/** Everything is a byte string. */
export function rcScript({ environment, place, outputsFolder, folder, redirects }: RcOptions): RcScript {
  const rewrites = new Map<string, string>();
  for (const [name, path] of outputPaths(environment, place)) rewrites.set(path, `${outputsFolder}/${name}`);
  for (const [from, to] of redirects) rewrites.set(from, to);
  const files = new Map<string, string>();
  for (const [name, variable] of attributeVariables) {
    const text = environment.structuredAttrs?.get(name);
    const from = textOf(environment.variables.get(variable));
    if (text === undefined || from === undefined) continue;
    files.set(`${folder}/${name}`, text);
    rewrites.set(from, `${folder}/${name}`);
  }
  return { text: rewritten(plainScript(environment), rewrites), files };
}

function plainScript(environment: BuildEnvironment): string {
  return [
    'unset shellHook\n',
    ...kept.map((name) => `${name}=\${${name}:-}\nnix_saved_${name}="$${name}"\n`),
    printEnvironment(environment, leftAlone),
    ...kept.map((name) => `${name}="$${name}\${nix_saved_${name}:+:$nix_saved_${name}}"\n`),
    'export NIX_BUILD_TOP="$(mktemp -d -t nix-shell.XXXXXX)"\n',
    ...['TMP', 'TMPDIR', 'TEMP', 'TEMPDIR'].map((name) => `export ${name}="$NIX_BUILD_TOP"\n`),
    'eval "${shellHook:-}"\n',
  ].join('');
}

/** All at once, so that nothing is rewritten twice. */
function rewritten(text: string, rewrites: ReadonlyMap<string, string>): string {
  const found = [...rewrites.keys()].filter((from) => from !== '');
  if (found.length === 0) return text;
  const pattern = new RegExp(found.map((from) => RegExp.escape(from)).join('|'), 'g');
  return text.replace(pattern, (from) => rewrites.get(from) as string);
}

const kept = ['PATH', 'XDG_DATA_DIRS'];

const leftAlone: ReadonlySet<string> = new Set([
  'BASHOPTS', 'HOME', 'NIX_BUILD_TOP', 'NIX_ENFORCE_PURITY', 'NIX_LOG_FD', 'NIX_REMOTE', 'PPID', 'SHELLOPTS',
  'SSL_CERT_FILE', 'TEMP', 'TEMPDIR', 'TERM', 'TMP', 'TMPDIR', 'TZ', 'UID',
]);

const attributeVariables = [['.attrs.sh', 'NIX_ATTRS_SH_FILE'], ['.attrs.json', 'NIX_ATTRS_JSON_FILE']] as const;
