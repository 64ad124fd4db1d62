/** lang: text to tokens to tree to resolved tree. */
export * from './tree.ts';
export { docCommentBefore, docCommentOfLambda } from './doc-comments.ts';
export { isDirectList } from './direct-list.ts';
export { setWithBinding } from './find-set.ts';
export { parse, parseReplBindings, type ParseResult } from './parse.ts';
export type { ParseOptions } from './parser.ts';
export { showAttrPath, showExpr, showIdentifier, showString } from './show.ts';
export {
  Level,
  parameterRow,
  type Resolution,
  resolve,
  type ResolveOptions,
  type ScopeView,
  type WithPlace,
} from './resolve.ts';
