/**
 * What a builder is given to read: its variables, its arguments, and the files in its folder.
 *
 * The variables and their order of precedence are C++ Nix's; a derivation built by either sees the
 * same. Placeholders of the outputs become their paths here, wherever they stand. All strings are
 * byte strings.
 */
import { formatHash, hashOf } from '#base';
import {
  hashPartOf, isImpure, knownOutputPath, outputPlaceholder, type Derivation, type StorePath,
} from '#formats';
import type { BuildRequest } from '../builder.ts';
import type { DerivationOptions } from '../derivation-options.ts';
import type { ExactJson } from '../exact-json.ts';
import { mayNest, nestedSocket } from './nested-nix.ts';
import { closureJson, exportedClosure, registrationText } from './references-graph.ts';
import { attributeFiles } from './structured-attributes.ts';

/** Where a builder in the sandbox finds itself. */
export const buildDirectory = '/build';

export interface BuilderSurroundings {
  readonly variables: ReadonlyMap<string, string>;
  /** Below the build folder, by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly builder: string;
  readonly args: readonly string[];
}

/**
 * `outputPaths` are logical; `environment` is the user's, for what the derivation lets through. `folder`
 * is the build folder as the builder sees it.
 */
export function builderSurroundings(
  request: BuildRequest,
  options: DerivationOptions,
  outputPaths: ReadonlyMap<string, StorePath>,
  environment: Readonly<Record<string, string | undefined>>,
  folder = buildDirectory,
): BuilderSurroundings {
  const { derivation, store } = request;
  const rewrite = outputRewriter(derivation, outputPaths);
  const files = new Map<string, string>();
  const variables = new Map([
    // A shell without PATH would take one of its own.
    ['PATH', '/path-not-set'],
    ['HOME', '/homeless-shelter'],
    ['NIX_STORE', store.storeDirectory],
    ['NIX_BUILD_CORES', String(request.cores)],
  ]);
  const inputs = new Set(request.inputPaths);
  if (options.structured !== undefined) {
    addStructured(request, options, outputPaths, inputs, variables, files, folder);
  } else {
    for (const [name, value] of derivation.env) {
      if (!options.passAsFile.has(name)) {
        variables.set(name, value);
        continue;
      }
      const file = `.attr-${formatHash(hashOf('sha256', name), 'nix32')}`;
      files.set(file, value);
      variables.set(`${name}Path`, `${folder}/${file}`);
    }
    for (const [file, paths] of options.exportReferencesGraph) {
      files.set(file, registrationText(store, exportedClosure(store, paths, inputs)));
    }
  }
  for (const name of ['NIX_BUILD_TOP', 'TMPDIR', 'TEMPDIR', 'TMP', 'TEMP', 'PWD']) variables.set(name, folder);
  if (isFixed(request)) variables.set('NIX_OUTPUT_CHECKED', '1');
  if (hasNetwork(request)) {
    for (const name of options.impureVariables) variables.set(name, environment[name] ?? '');
  }
  if (mayNest(options)) variables.set('NIX_REMOTE', `unix://${folder}/${nestedSocket}`);
  variables.set('NIX_LOG_FD', '2');
  variables.set('TERM', 'xterm-256color');
  return {
    variables: mapValues(variables, rewrite),
    files: mapValues(files, rewrite),
    builder: rewrite(derivation.builder),
    args: derivation.args.map(rewrite),
  };
}

/** Whether the builder may use the network: its outputs are known beforehand, or made anew each time. */
export function hasNetwork(request: BuildRequest): boolean {
  return isFixed(request) || isImpure(request.derivation);
}

function isFixed(request: BuildRequest): boolean {
  return [...request.derivation.outputs.values()].every((output) => output.kind === 'fixed');
}

function addStructured(
  request: BuildRequest,
  options: DerivationOptions,
  outputPaths: ReadonlyMap<string, StorePath>,
  inputs: ReadonlySet<StorePath>,
  variables: Map<string, string>,
  files: Map<string, string>,
  folder: string,
): void {
  const more = new Map<string, ExactJson>([['outputs', new Map(outputPaths)]]);
  for (const [attribute, paths] of options.exportReferencesGraph) {
    more.set(attribute, closureJson(request.store, exportedClosure(request.store, paths, inputs)));
  }
  const written = attributeFiles(options.structured ?? new Map(), more);
  files.set('.attrs.json', written.json);
  files.set('.attrs.sh', written.shell);
  variables.set('NIX_ATTRS_JSON_FILE', `${folder}/.attrs.json`);
  variables.set('NIX_ATTRS_SH_FILE', `${folder}/.attrs.sh`);
}

/** Puts in what the builder knows its outputs by: for placeholders, and for paths that it may not have. */
function outputRewriter(derivation: Derivation, outputPaths: ReadonlyMap<string, StorePath>): (text: string) => string {
  const replacements: (readonly [string, string])[] = [];
  for (const [name, path] of outputPaths) {
    replacements.push([outputPlaceholder(name), path]);
    const output = derivation.outputs.get(name);
    const own = output === undefined ? undefined : knownOutputPath(output);
    if (own !== undefined && own !== path) replacements.push([hashPartOf(own), hashPartOf(path)]);
  }
  return (text) => replacements.reduce((result, [from, to]) => result.replaceAll(from, to), text);
}

function mapValues(map: ReadonlyMap<string, string>, change: (value: string) => string): Map<string, string> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
