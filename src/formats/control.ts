/**
 * Debian control files: paragraphs of `Field: value`, as in Packages, Release and a .deb's control.
 *
 * Text is a byte string (one character per byte), so that sizes and hashes stay exact. An index of
 * 55 MB holds 69,000 paragraphs of which a reader wants some ten fields: `readParagraphs` therefore
 * takes the names wanted and copies nothing else. Continuation lines are kept as they are, after a
 * newline. Field names are compared without regard to case, as Policy §5.1 says.
 */

/** The fields of one paragraph, by name in the spelling that the reader asked for. */
export type ControlParagraph = Map<string, string>;

/**
 * The paragraphs of `text`, one after another, each with the `wanted` fields that it has (all of
 * them, spelled as found, when `wanted` is absent). A line that is neither field, continuation nor
 * comment is passed over.
 */
export function* readParagraphs(
  text: string,
  wanted?: readonly string[],
): Generator<ControlParagraph> {
  const spelling = wanted && new Map(wanted.map((name) => [name.toLowerCase(), name]));
  let paragraph: ControlParagraph = new Map();
  let field: string | undefined;
  let position = 0;
  while (position < text.length) {
    let end = text.indexOf('\n', position);
    if (end < 0) end = text.length;
    const first = text.charCodeAt(position);
    if (isBlank(text, position, end)) {
      if (paragraph.size > 0) yield paragraph;
      paragraph = new Map();
      field = undefined;
    } else if (first === space || first === tab) {
      if (field !== undefined) {
        paragraph.set(field, `${paragraph.get(field)}\n${text.slice(position, end)}`);
      }
    } else if (first !== hash) {
      const colon = text.indexOf(':', position);
      field = undefined;
      if (colon >= 0 && colon < end) {
        const name = text.slice(position, colon);
        field = spelling ? (spelling.get(name) ?? spelling.get(name.toLowerCase())) : name;
        if (field !== undefined) paragraph.set(field, text.slice(colon + 1, end).trim());
      }
    }
    position = end + 1;
  }
  if (paragraph.size > 0) yield paragraph;
}

/** The first paragraph of `text`; empty when there is none. */
export function readParagraph(text: string): ControlParagraph {
  return readParagraphs(text).next().value ?? new Map();
}

const space = 0x20;
const tab = 0x09;
const carriageReturn = 0x0d;
const hash = 0x23;

function isBlank(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code !== space && code !== tab && code !== carriageReturn) return false;
  }
  return true;
}
