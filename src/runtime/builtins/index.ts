/** The builtins: their values for an evaluator, and their descriptions. */

export { type PrimOpDefinition } from './define.ts';
export { treeValue, type TreeValueOptions } from './fetch-tree.ts';
export {
  builtinConstants,
  createBuiltins,
  langVersion,
  nixVersion,
  primOpDefinitions,
  type BuiltinConstant,
} from './registry.ts';
