/**
 * Attributes of a builtin derivation, as they come out of `__json`, read with their types checked.
 *
 * A wrong attribute is a mistake in the Nix code that made the derivation: the error names builder,
 * attribute, what was found and what was wanted.
 */
import { UserError } from '#base';

export class Attributes {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #where: string;

  /** `where` names the builder, and the entry within it, for errors. */
  constructor(values: unknown, where: string) {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw attributeError(where, 'is no set of attributes', values);
    }
    this.#values = values as Record<string, unknown>;
    this.#where = where;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== null;
  }

  string(name: string): string;
  string<T>(name: string, fallback: T): string | T;
  string<T>(name: string, ...fallback: [] | [T]): string | T {
    return this.#get(name, 'a string', (value) => typeof value === 'string', fallback) as
      string | T;
  }

  number(name: string): number;
  number<T>(name: string, fallback: T): number | T;
  number<T>(name: string, ...fallback: [] | [T]): number | T {
    const isSize = (value: unknown): boolean =>
      Number.isSafeInteger(value) && (value as number) >= 0;
    return this.#get(name, 'a whole number', isSize, fallback) as number | T;
  }

  boolean(name: string, fallback: boolean): boolean {
    const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
    return this.#get(name, 'true or false', isBoolean, [fallback]) as boolean;
  }

  /** A list of strings; empty where the attribute is absent. */
  strings(name: string): string[] {
    const isStrings = (value: unknown): boolean =>
      Array.isArray(value) && value.every((item) => typeof item === 'string');
    return this.#get(name, 'a list of strings', isStrings, [[]]) as string[];
  }

  /** A list of attribute sets; empty where the attribute is absent. */
  list(name: string): Attributes[] {
    const values = this.#get(name, 'a list', Array.isArray, [[]]) as unknown[];
    return values.map(
      (value, index) => new Attributes(value, `${this.#where}, ${name} item ${index + 1}`),
    );
  }

  set(name: string): Attributes {
    return new Attributes(this.#values[name], `${this.#where}, ${name}`);
  }

  /** Permission bits: a string in octal ("0644") or a number; undefined where absent. */
  mode(name: string): number | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && value >= 0 && value <= 0o7777) return value;
    if (typeof value === 'string' && /^[0-7]{3,5}$/.test(value)) return Number.parseInt(value, 8);
    throw attributeError(this.#where, `needs an octal string such as "0644" as ${name}`, value);
  }

  /** An error about this set of attributes. */
  error(wanted: string, found: unknown): UserError {
    return attributeError(this.#where, wanted, found);
  }

  #get(
    name: string,
    wanted: string,
    accepts: (value: unknown) => boolean,
    fallback: readonly unknown[],
  ): unknown {
    const value = this.#values[name];
    if ((value === undefined || value === null) && fallback.length > 0) return fallback[0];
    if (accepts(value)) return value;
    throw attributeError(this.#where, `needs ${wanted} as ${name}`, value);
  }
}

function attributeError(where: string, wanted: string, found: unknown): UserError {
  const shown = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, 80);
  return new UserError('BUILTIN_ATTRIBUTE', `${where} ${wanted}, but was given ${shown}`, {
    hint: 'Correct the call of the function that makes this derivation',
  });
}
