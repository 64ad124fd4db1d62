/**
 * What an evaluation started by a nix-* command may ask for while it waits: the channel that
 * `<debian>` names, and builds. Loaded when first asked: most evaluations ask for nothing.
 */

import type { Progress } from '#base';
import type { EvaluationServices } from '#host';
import type { CommandContext } from '../context.ts';
import { openDebugger } from '../repl/open-debugger.ts';
import type { ParsedFlags } from './flags.ts';

/** What `<debian>` stands for in the search path until it is needed. */
export const debianEntry = { prefix: 'debian', path: 'firn:debian' };

export interface ClosableServices extends EvaluationServices {
  close(): Promise<void>;
}

export function evaluationServices(
  flags: ParsedFlags, context: CommandContext, progress: Progress,
): ClosableServices {
  let opened: ReturnType<typeof open> | undefined;
  const open = async () => {
    const { openWorkspace } = await import('./workspace.ts');
    return openWorkspace(flags, context, progress);
  };
  const workspace = () => opened ??= open();
  const services = async () => (await workspace()).services;
  const front = openDebugger(flags, context);
  return {
    ...front,
    realise: async (elements) => (await services()).realise!(elements),
    fetch: async (kind, attributes) => (await services()).fetch!(kind, attributes),
    resolveSearchPathEntry: async (entry) => (await services()).resolveSearchPathEntry!(entry),
    async close() {
      front?.close();
      await (await opened)?.close();
    },
  };
}
