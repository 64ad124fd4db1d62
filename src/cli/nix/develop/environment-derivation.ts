/**
 * The derivation that reports another one's build environment: the same inputs, variables and bash,
 * another script. Its outputs may be and refer to anything.
 */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseExactJson, printExactJson } from '#build';
import { fillOutputPaths, knownOutputPath, moduloFinder, type Derivation, type StorePath } from '#formats';
import type { Store } from '#store';
import { needsBash } from '../../errors.ts';

const reportScript = new URL('./report-environment.sh', import.meta.url);

/** Writes it to the store and returns its path. */
export function addEnvironmentDerivation(store: Store, drvPath: StorePath): StorePath {
  const derivation = store.readDerivation(drvPath);
  if (basename(derivation.builder) !== 'bash') throw needsBash(derivation.builder);
  const script = store.addTextToStore('get-env.sh', readFileSync(reportScript, 'latin1'), []);
  const open: Derivation = {
    ...derivation,
    name: `${derivation.name}-env`,
    args: [script],
    inputSources: [...derivation.inputSources, script],
    env: changedVariables(derivation),
    // What is fixed for the outputs is not so for a report.
    outputs: new Map([...derivation.outputs].map(([name, output]) =>
      [name, knownOutputPath(output) === undefined ? output : { kind: 'deferred' }])),
  };
  return store.addDerivation(fillOutputPaths(open, moduloFinder((path) => store.readDerivation(path)), store.storeDirectory));
}

function changedVariables({ env, name, outputs }: Derivation): ReadonlyMap<string, string> {
  const changed = new Map(env);
  const json = env.get('__json');
  if (json === undefined) {
    for (const check of ['allowedReferences', 'allowedRequisites', 'disallowedReferences', 'disallowedRequisites']) {
      changed.delete(check);
    }
  } else {
    const attributes = parseExactJson(json, name);
    if (attributes instanceof Map) {
      changed.set('__json', printExactJson(new Map([...attributes].filter(([key]) => key !== 'outputChecks'))));
    }
  }
  changed.set('name', `${name}-env`);
  for (const [output, form] of outputs) if (knownOutputPath(form) !== undefined) changed.set(output, '');
  return changed;
}
