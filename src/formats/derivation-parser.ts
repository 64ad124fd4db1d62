/**
 * Reads `.drv` files. The reverse of `printDerivation`: strict, since what it accepts is built.
 */

import { decodeHex } from '#base';
import { parseMethodAlgorithm } from './content-address.ts';
import type { Derivation, DerivationOutput } from './derivation.ts';
import type { DynamicOutputs, UsedOutputs } from './dynamic-inputs.ts';
import { badDerivation } from './nix-errors.ts';
import { parseStorePath, type StorePath } from './store-path.ts';

/** Parses the content of the derivation called `name` (without `.drv`). */
export function parseDerivation(text: string, name: string, directory?: string): Derivation {
  const reader = new AtermReader(text, name);
  const path = (): StorePath => {
    const found = reader.plainString();
    try {
      return parseStorePath(found, directory);
    } catch (error) {
      throw badDerivation(name, (error as Error).message);
    }
  };
  const isDynamic = reader.has('DrvWithVersion(');
  reader.expect(isDynamic ? 'DrvWithVersion("xp-dyn-drv",' : 'Derive(');
  const outputs = new Map<string, DerivationOutput>();
  reader.list(() => {
    reader.expect('(');
    const output = reader.plainString();
    reader.expect(',');
    const pathText = reader.plainString();
    reader.expect(',');
    const algorithm = reader.plainString();
    reader.expect(',');
    const hash = reader.plainString();
    reader.expect(')');
    outputs.set(output, parseOutput(name, pathText, algorithm, hash, directory));
  });
  reader.expect(',');
  const inputDerivations = new Map<StorePath, readonly string[]>();
  const dynamicInputs = new Map<StorePath, DynamicOutputs>();
  reader.list(() => {
    reader.expect('(');
    const drvPath = path();
    reader.expect(',');
    const { outputs: names, dynamic } = isDynamic ? parseUsed(reader, name, 0) : { outputs: reader.plainStrings() };
    inputDerivations.set(drvPath, names);
    if (dynamic !== undefined) dynamicInputs.set(drvPath, dynamic);
    reader.expect(')');
  });
  reader.expect(',');
  const inputSources: StorePath[] = [];
  reader.list(() => { inputSources.push(path()); });
  reader.expect(',');
  const system = reader.string();
  reader.expect(',');
  const builder = reader.string();
  reader.expect(',');
  const args = reader.strings();
  reader.expect(',');
  const env = new Map<string, string>();
  reader.list(() => {
    reader.expect('(');
    const variable = reader.string();
    reader.expect(',');
    env.set(variable, reader.string());
    reader.expect(')');
  });
  reader.expect(')');
  reader.end();
  return {
    name, outputs, inputDerivations, ...(dynamicInputs.size === 0 ? {} : { dynamicInputs }), inputSources, system, builder,
    args, env,
  };
}

/** So deep may derivations that come out of derivations be nested; nobody has more than a few. */
const maximumDynamicDepth = 64;

function parseUsed(reader: AtermReader, name: string, depth: number): UsedOutputs {
  if (depth > maximumDynamicDepth) throw badDerivation(name, 'its dynamic inputs are nested too deep');
  if (!reader.has('(')) return { outputs: reader.plainStrings() };
  reader.expect('(');
  const outputs = reader.plainStrings();
  reader.expect(',');
  const dynamic = new Map<string, UsedOutputs>();
  reader.list(() => {
    reader.expect('(');
    const output = reader.plainString();
    reader.expect(',');
    dynamic.set(output, parseUsed(reader, name, depth + 1));
    reader.expect(')');
  });
  reader.expect(')');
  if (outputs.length === 0 && dynamic.size === 0) throw badDerivation(name, 'an input without outputs');
  return { outputs, ...(dynamic.size === 0 ? {} : { dynamic }) };
}

function parseOutput(
  name: string, path: string, algorithmText: string, hashText: string, directory: string | undefined,
): DerivationOutput {
  const checked = (): StorePath => {
    try {
      return parseStorePath(path, directory);
    } catch (error) {
      throw badDerivation(name, (error as Error).message);
    }
  };
  if (algorithmText === '') {
    return path === '' ? { kind: 'deferred' } : { kind: 'input-addressed', path: checked() };
  }
  const parsed = parseMethodAlgorithm(algorithmText);
  if (parsed === undefined) throw badDerivation(name, `unknown hash algorithm '${algorithmText}'`);
  const { method, algorithm } = parsed;
  if (hashText === 'impure') return { kind: 'impure', method, algorithm };
  if (hashText === '') return { kind: 'floating', method, algorithm };
  const bytes = decodeHex(hashText);
  if (bytes === undefined) throw badDerivation(name, `invalid output hash '${hashText}'`);
  return { kind: 'fixed', path: checked(), method, hash: { algorithm, bytes } };
}

class AtermReader {
  readonly #text: string;
  readonly #name: string;
  #at = 0;

  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
  }

  has(token: string): boolean {
    return this.#text.startsWith(token, this.#at);
  }

  expect(token: string): void {
    if (!this.#text.startsWith(token, this.#at)) throw this.#error(`expected string '${token}'`);
    this.#at += token.length;
  }

  end(): void {
    if (this.#at !== this.#text.length) throw this.#error('there is more after the end');
  }

  string(): string {
    this.expect('"');
    let result = '';
    for (;;) {
      stringEnd.lastIndex = this.#at;
      const match = stringEnd.exec(this.#text);
      if (match === null) throw this.#error('unterminated string');
      result += this.#text.slice(this.#at, match.index);
      this.#at = match.index + 1;
      if (match[0] === '"') return result;
      const escaped = this.#text[this.#at] ?? '';
      if (escaped === '') throw this.#error('unterminated string');
      result += unescapes[escaped] ?? escaped;
      this.#at++;
    }
  }

  /** One of those that are printed as they are: names of outputs, paths, hashes. */
  plainString(): string {
    const text = this.string();
    if (/["\\\n\r\t]/.test(text)) throw this.#error('a name with a character that needs an escape');
    return text;
  }

  plainStrings(): string[] {
    const items: string[] = [];
    this.list(() => { items.push(this.plainString()); });
    return items;
  }

  strings(): string[] {
    const items: string[] = [];
    this.list(() => { items.push(this.string()); });
    return items;
  }

  list(item: () => void): void {
    this.expect('[');
    if (this.#text[this.#at] !== ']') {
      item();
      while (this.#text[this.#at] === ',') {
        this.#at++;
        item();
      }
    }
    this.expect(']');
  }

  #error(reason: string): Error {
    return badDerivation(this.#name, `${reason} at byte ${this.#at}`);
  }
}

const stringEnd = /["\\]/g;
const unescapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
