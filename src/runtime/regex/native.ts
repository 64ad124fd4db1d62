/**
 * The regular expressions that V8's engine may run for us, and when.
 *
 * The two engines choose alike except where a quantified group is entered again (V8 clears its
 * captures), where a quantified body matches nothing, and, in a search, at `|`. So an expression
 * is handed over only for matching a whole text, only when quantified bodies consume something and
 * hold no group or only an optional one, and quantifiers without bound stand over single bytes.
 * Then backtracking takes at most `length ** unbounded * 2 ** choices` steps, and a text for which
 * that is too many goes to our own matcher.
 */

import { isNullable, type ByteSet, type RegexNode, type RegexTree } from './syntax.ts';

export interface NativeForm {
  /** An expression for matching all of `text`, unless it could take too long. */
  whole(text: string): RegExp | undefined;
}

const stepLimit = 1e6;

export function nativeForm(tree: RegexTree): NativeForm | undefined {
  const writer = new Writer();
  if (!writer.write(tree.root)) return undefined;
  const expression = new RegExp(`^(?:${writer.text})$`, 's');
  const { unbounded, choices } = writer;
  const longest = unbounded === 0 ? Infinity : (stepLimit / choices) ** (1 / unbounded);
  return choices > stepLimit
    ? undefined
    : { whole: (text) => (text.length < longest ? expression : undefined) };
}

class Writer {
  text = '';
  unbounded = 0;
  choices = 1;

  /** Appends `node`; false when V8 might choose otherwise. */
  write(node: RegexNode): boolean {
    switch (node.kind) {
      case 'byte':
        this.text += escapeByte(node.code);
        return true;
      case 'set':
        this.text += writeSet(node.set);
        return true;
      case 'begin':
        this.text += '^';
        return true;
      case 'end':
        this.text += '$';
        return true;
      case 'group':
        return this.enclose('(', node.body);
      case 'sequence':
        return node.items.every((item) => this.write(item));
      case 'either':
        this.choices *= 2;
        if (!this.enclose('(?:', node.left, '|')) return false;
        return this.write(node.right) && this.close();
      case 'repeat':
        return this.writeRepeat(node.body, node.min, node.max);
    }
  }

  private writeRepeat(body: RegexNode, min: number, max: number): boolean {
    const single = body.kind === 'byte' || body.kind === 'set';
    const optional = min === 0 && max === 1 && !isNullable(body);
    if (!single && !optional) return false;
    if (max === Infinity) this.unbounded++;
    else this.choices *= max - min + 1;
    if (!this.enclose('(?:', body)) return false;
    this.text += max === Infinity ? `{${min},}` : `{${min},${max}}`;
    return true;
  }

  private enclose(opening: string, body: RegexNode, closing = ')'): boolean {
    this.text += opening;
    if (!this.write(body)) return false;
    this.text += closing;
    return true;
  }

  private close(): boolean {
    this.text += ')';
    return true;
  }
}

function escapeByte(code: number): string {
  return `\\x${code.toString(16).padStart(2, '0')}`;
}

function writeSet(set: ByteSet): string {
  let text = '[';
  for (let code = 0; code < 256; code++) {
    if (set[code]) text += escapeByte(code);
  }
  return `${text}]`;
}
