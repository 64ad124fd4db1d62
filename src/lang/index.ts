/** lang: text to tokens to tree to JavaScript. */
export * from './tree.ts';
export { parse, parseReplBindings, type ParseResult } from './parse.ts';
export type { ParseOptions } from './parser.ts';
export { showAttrPath, showExpr, showIdentifier, showString } from './show.ts';
export { emit, type EmitOptions, type EmittedCode } from './emit.ts';
export { supportNames } from './module-text.ts';
