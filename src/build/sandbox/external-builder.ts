/**
 * External builders: programs of the user's that build for systems which this machine does not run,
 * as the setting `external-builders` names them.
 *
 * Such a program is told of a build by a JSON file, C++ Nix's, version 1; how it runs the builder, in
 * a virtual machine say, is its own affair. It runs as our own user, and leaves the outputs in the
 * store where their paths say.
 */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { decodeUtf8 } from '#base';
import type { Derivation } from '#formats';
import type { Builder, BuildRequest } from '../builder.ts';
import { derivationOptions } from '../derivation-options.ts';
import { buildDirectory, builderSurroundings } from './environment.ts';
import { malformedExternalBuilders, nestingNotHere } from './errors.ts';
import { buildInPlace } from './in-place.ts';
import { mayNest } from './nested-nix.ts';
import { runBuilder } from './run-process.ts';
import { impureVariables, type SandboxOptions } from './sandbox-builder.ts';
import type { Scratch } from './scratch.ts';

export interface ExternalProgram {
  readonly systems: readonly string[];
  readonly program: string;
  readonly args: readonly string[];
}

/** What the setting says: a JSON list. */
export function parseExternalBuilders(text: string): ExternalProgram[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw malformedExternalBuilders((error as Error).message);
  }
  if (!Array.isArray(list)) throw malformedExternalBuilders('it is no list');
  return list.map((one: Partial<ExternalProgram> | null) => {
    const { systems, program, args = [] } = one ?? {};
    if (!isTexts(systems) || typeof program !== 'string' || !isTexts(args)) {
      throw malformedExternalBuilders('each has "systems", "program" and perhaps "args"');
    }
    return { systems, program, args };
  });
}

export class ExternalBuilder implements Builder {
  readonly name = 'external builder';
  readonly #program: ExternalProgram;
  readonly #options: SandboxOptions;

  constructor(program: ExternalProgram, options: SandboxOptions) {
    this.#program = program;
    this.#options = options;
  }

  accepts(derivation: Derivation): boolean {
    return this.#program.systems.includes(derivation.system);
  }

  writesInPlace(): boolean {
    return true;
  }

  async build(request: BuildRequest): Promise<void> {
    if (mayNest(derivationOptions(request.derivation))) throw nestingNotHere();
    await buildInPlace(request, this.#options, (scratch) => this.#run(request, scratch));
  }

  async #run(request: BuildRequest, scratch: Scratch): Promise<void> {
    const { program, args } = this.#program;
    const { environment, limits = {} } = this.#options;
    const description = join(scratch.root, 'build.json');
    writeFileSync(description, JSON.stringify(this.#describe(request, scratch)));
    await runBuilder({
      command: [program, ...args, description],
      plain: { name: basename(program), folder: scratch.build, variables: definedOnly(environment) },
      directory: scratch.root, identity: undefined, limits, signal: request.signal, log: (line) => request.log(line),
    });
  }

  /** What the program is told; writes the files that the builder finds in its folder. */
  #describe(request: BuildRequest, scratch: Scratch): object {
    const { derivation, store, inputPaths, outputPaths } = request;
    const surroundings = builderSurroundings(
      request, derivationOptions(derivation), outputPaths, impureVariables(this.#options));
    for (const [name, text] of surroundings.files) {
      writeFileSync(join(scratch.build, name), text, { encoding: 'latin1', mode: 0o644 });
    }
    return {
      version: 1,
      builder: decodeUtf8(surroundings.builder),
      args: surroundings.args.map(decodeUtf8),
      env: Object.fromEntries([...surroundings.variables].map(([name, value]) => [decodeUtf8(name), decodeUtf8(value)])),
      topTmpDir: scratch.root,
      tmpDir: scratch.build,
      tmpDirInSandbox: buildDirectory,
      storeDir: store.storeDirectory,
      realStoreDir: store.physicalPath(store.storeDirectory),
      system: derivation.system,
      inputPaths: [...inputPaths],
      outputs: Object.fromEntries(outputPaths),
    };
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
