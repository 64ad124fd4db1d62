/**
 * Reads `.drv` files. The reverse of `printDerivation`: strict, since what it accepts is built.
 */

import { decodeHex } from '#base';
import { parseMethodAlgorithm } from './content-address.ts';
import type { Derivation, DerivationOutput } from './derivation.ts';
import { badDerivation } from './nix-errors.ts';
import { parseStorePath, type StorePath } from './store-path.ts';

/** Parses the content of the derivation called `name` (without `.drv`). */
export function parseDerivation(text: string, name: string, directory?: string): Derivation {
  const reader = new AtermReader(text, name);
  const path = (): StorePath => {
    const found = reader.string();
    try {
      return parseStorePath(found, directory);
    } catch (error) {
      throw badDerivation(name, (error as Error).message);
    }
  };
  reader.expect('Derive(');
  const outputs = new Map<string, DerivationOutput>();
  reader.list(() => {
    reader.expect('(');
    const output = reader.string();
    reader.expect(',');
    const pathText = reader.string();
    reader.expect(',');
    const algorithm = reader.string();
    reader.expect(',');
    const hash = reader.string();
    reader.expect(')');
    outputs.set(output, parseOutput(name, pathText, algorithm, hash, directory));
  });
  reader.expect(',');
  const inputDerivations = new Map<StorePath, readonly string[]>();
  reader.list(() => {
    reader.expect('(');
    const drvPath = path();
    reader.expect(',');
    inputDerivations.set(drvPath, reader.strings());
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
  return { name, outputs, inputDerivations, inputSources, system, builder, args, env };
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
