/**
 * Operations of the machine. A node is its operation's number and its operands, which are words or
 * other nodes' indices; the layouts stand beside the numbers.
 *
 * Numbers are written out where they are switched on: V8 makes a table of jumps of literals only.
 */

export const Op = {
  constant: 0, // word
  own: 1, // slot, pos
  outer: 2, // slot, pos: one frame out
  far: 3, // slot, level, pos
  forced: 4, // word: a constant that may be a thunk
  withVariable: 5, // symbol, pos, withs -> [count, (level, pos) …]
  select: 6, // subject, symbol, pos, shape, place
  selectDynamic: 7, // subject, name, pos
  selectOr: 8, // subject, fallback, pos, n, parts …
  hasAttr: 9, // subject, pos, n, parts …
  attrs: 10, // shape, n, nodes …
  attrsFrom: 11, // shape, n, sources, nodes …, sources …
  rec: 12, // shape, frame size, n, sources, (node, place * 2 + outside, index) …, sources …
  dynamic: 13, // base, n, (name, value, pos) …
  list: 14, // n, direct, nodes …
  // arity, pattern, frame size, body, pos, name, whole, ellipsis, n, argument, (symbol, slot, default, pos) …,
  // (pos, argument) of each further parameter
  lambda: 15,
  call1: 16, // f, a, pos
  call2: 17, // f, a, b, pos
  call3: 18, // f, a, b, c, pos
  callMany: 19, // f, pos, n, args …
  let: 20, // frame size, body, n, sources, (node, place * 2 + outside) …, sources …
  with: 21, // scope, body
  if: 22, // condition, then, else, pos
  assert: 23, // condition, body, pos, text
  not: 24, // operand, pos
  and: 25, // a, b, pos; so the following
  or: 26,
  implies: 27,
  equal: 28,
  unequal: 29,
  update: 30,
  concatLists: 31,
  add: 32,
  addMany: 33, // pos, n, nodes …
  interpolate: 34, // pos, n, nodes …
  subtract: 35,
  multiply: 36,
  divide: 37,
  less: 38,
  currentPosition: 39, // pos
  apply: 40, // of cell [f, x]
  applyNamed: 41, // of cell [f, name, x]
  inherit: 42, // symbol, pos, shape, place, source; of the source
  foreign: 43, // of a box
  import: 44, // of a string
  line: 45, // of a position
  column: 46,
} as const;
