/**
 * The files that a builder with structured attributes reads: `.attrs.json`, all of them, and
 * `.attrs.sh`, those that Bash can hold as variables, arrays and associative arrays.
 *
 * Which values Bash gets, and how they are quoted, is C++ Nix's choice: builders depend on it.
 */
import { JsonNumber, printExactJson, sortedMembers, type ExactJson } from '../exact-json.ts';

export interface AttributeFiles {
  readonly json: string;
  readonly shell: string;
}

/** The attributes with `more` added: outputs and closures. */
export function attributeFiles(
  attributes: ReadonlyMap<string, ExactJson>, more: ReadonlyMap<string, ExactJson>,
): AttributeFiles {
  const all = new Map([...attributes, ...more]);
  return { json: printExactJson(all), shell: shellText(all) };
}

function shellText(attributes: ReadonlyMap<string, ExactJson>): string {
  let text = '';
  for (const [name, value] of sortedMembers(attributes)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) continue;
    const simple = simpleText(value);
    if (simple !== undefined) {
      text += `declare ${name}=${simple}\n`;
    } else if (Array.isArray(value)) {
      const items = (value as readonly ExactJson[]).map(simpleText);
      if (items.every((item) => item !== undefined)) text += `declare -a ${name}=(${items.map((item) => `${item} `).join('')})\n`;
    } else if (value instanceof Map) {
      const items = sortedMembers(value as ReadonlyMap<string, ExactJson>)
        .map(([key, item]) => [key, simpleText(item)] as const);
      if (items.every(([, item]) => item !== undefined)) {
        text += `declare -A ${name}=(${items.map(([key, item]) => `[${quoted(key)}]=${item} `).join('')})\n`;
      }
    }
  }
  return text;
}

/** A value as one word of the shell; undefined for fractions, lists and objects. */
function simpleText(value: ExactJson): string | undefined {
  if (typeof value === 'string') return quoted(value);
  if (value === null) return "''";
  if (typeof value === 'boolean') return value ? '1' : '';
  if (!(value instanceof JsonNumber)) return undefined;
  if (/^-?[0-9]+$/.test(value.source)) return String(BigInt.asIntN(32, BigInt(value.source)));
  const number = Number(value.source);
  return Number.isInteger(number) ? String(BigInt.asIntN(32, BigInt(number))) : undefined;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
