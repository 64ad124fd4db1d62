/**
 * A derivation's variables and files for a shell of the user's own, as `nix-shell` gives them: what
 * the builder would get, in a folder of its own instead of the sandbox's.
 *
 * All texts are byte strings.
 */
import type { Derivation, StorePath } from '#formats';
import { knownOutputPath } from '#formats';
import type { Store } from '#store';
import { derivationOptions } from './derivation-options.ts';
import type { ExactJson } from './exact-json.ts';
import { closureJson, exportedClosure } from './sandbox/references-graph.ts';
import { attributeFiles } from './sandbox/structured-attributes.ts';

export interface ShellEnvironment {
  readonly variables: ReadonlyMap<string, string>;
  /** To be written into the folder, by name. */
  readonly files: ReadonlyMap<string, string>;
  /** Shell code that declares structured attributes; empty without such. */
  readonly declarations: string;
}

/** `directory` is where the files will be; the inputs of the derivation are valid. */
export function shellEnvironment(store: Store, derivation: Derivation, directory: string): ShellEnvironment {
  const options = derivationOptions(derivation);
  const variables = new Map<string, string>();
  const files = new Map<string, string>();
  for (const [name, value] of derivation.env) {
    // Structured attributes come as declarations.
    if (name === '__json' && options.structured !== undefined) continue;
    if (!options.passAsFile.has(name)) {
      variables.set(name, value);
      continue;
    }
    const file = `.attr-${files.size}`;
    files.set(file, value);
    variables.set(`${name}Path`, `${directory}/${file}`);
  }
  if (options.structured === undefined) return { variables, files, declarations: '' };

  const inputs = new Set(store.closureOf(inputPaths(store, derivation)));
  const outputs = [...derivation.outputs].flatMap(([name, output]): [string, string][] => {
    const path = knownOutputPath(output);
    return path === undefined ? [] : [[name, path]];
  });
  const more = new Map<string, ExactJson>([['outputs', new Map(outputs)]]);
  for (const [attribute, paths] of options.exportReferencesGraph) {
    more.set(attribute, closureJson(store, exportedClosure(store, paths, inputs)));
  }
  const { json, shell } = attributeFiles(options.structured, more);
  files.set('.attrs.json', json);
  files.set('.attrs.sh', shell);
  variables.set('NIX_ATTRS_JSON_FILE', `${directory}/.attrs.json`);
  variables.set('NIX_ATTRS_SH_FILE', `${directory}/.attrs.sh`);
  return { variables, files, declarations: shell };
}

/** What of the inputs is there: some may have been left out on purpose. */
function inputPaths(store: Store, derivation: Derivation): StorePath[] {
  const outputs = [...derivation.inputDerivations].flatMap(([drvPath, names]) => {
    const known = store.queryDerivationOutputs(drvPath);
    return names.flatMap((name) => known.get(name) ?? []);
  });
  return [...derivation.inputSources, ...outputs].filter((path) => store.isValidPath(path));
}
