/** The colours of progress, or none. */

const codes = { red: '31', green: '32', yellow: '33', faint: '2' } as const;

export type Style = keyof typeof codes;

/** Paints text, if colours are wanted at all. */
export type Paint = (style: Style, text: string) => string;

export function painter(color: boolean): Paint {
  return color ? (style, text) => `\x1b[${codes[style]}m${text}\x1b[0m` : (_style, text) => text;
}
