/** Boxes as texts that an image can keep. Closures have none: who wants one is told `Unkept`. */

import { ContextString, NixFloat, NixPath, PrimOp } from '#runtime';
import { boxContent } from './contents.ts';
import { Effect } from './effects.ts';
import { Unkept } from './errors.ts';
import type { Box } from './heap.ts';
import { world } from './world.ts';

/** The text of a box; empty if it has none. Its first character is the kind. */
export function boxText(box: Box): string {
  const content = boxContent(box);
  if (content !== undefined) return content;
  if (box instanceof NixFloat) return 'fNaN';
  if (box instanceof Effect) return `e${JSON.stringify(box.shown)}`;
  return box instanceof PrimOp && world().builtins.get(box.name) === box ? `b${box.name}` : '';
}

export function boxOfText(text: string): Box {
  const rest = text.slice(1);
  switch (text[0]) {
    case 'c':
      return contextStringOf(rest);
    case 'p':
      return new NixPath(rest);
    case 'f':
      return new NixFloat(Number(rest));
    case 'n': {
      const number = Number(rest);
      return Number.isSafeInteger(number) ? number : BigInt(rest);
    }
    case 'e':
      return new Effect(JSON.parse(rest));
    case 'b':
      return world().builtins.get(rest) as PrimOp;
    default:
      throw new Unkept('what a builtin has suspended');
  }
}

/** How many elements, a space, each of them with a zero byte behind it, and the text. */
function contextStringOf(content: string): ContextString {
  const space = content.indexOf(' ');
  const context: string[] = [];
  let from = space + 1;
  for (let count = Number(content.slice(0, space)); count > 0; count--) {
    const end = content.indexOf('\0', from);
    context.push(content.slice(from, end));
    from = end + 1;
  }
  return new ContextString(content.slice(from), context);
}
