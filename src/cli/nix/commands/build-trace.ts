/**
 * `nix store build-trace info` and `delete` (once `nix realisation`): what is remembered of the
 * outputs whose paths followed from what a build made.
 */

import { baseNameOf, isDerivationPath, knownOutputPath, type StorePath } from '#formats';
import { outputNotBuilt, usageError } from '../../errors.ts';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import { installableFlags, resolveInstallables } from '../installables.ts';
import { followToStorePath } from '../store-command.ts';

const info = (name: string) => defineCommand({
  name, operands: 'INSTALLABLES', summary: 'Prints what outputs were built to.', flags: [...jsonFlags, ...installableFlags],
  async run(session) {
    const found = tracesOf(session, (await resolveInstallables(session)).flatMap((one) => one.derived));
    if (session.flags.has('--json')) {
      session.printJson(found.map((one) => (!('drvPath' in one) ? { opaquePath: one.path } : {
        key: { drvPath: baseNameOf(one.drvPath), outputName: one.output },
        value: { outPath: baseNameOf(one.path), signatures: one.signatures },
        opaquePath: one.path,
      })));
    } else {
      for (const one of found) {
        session.print('drvPath' in one ? `${baseNameOf(one.drvPath)}^${one.output} ${one.path}` : one.path);
      }
    }
  },
});

const remove = (name: string) => defineCommand({
  name, operands: 'DERIVATION^OUTPUT…', summary: 'Forgets what outputs were built to.',
  async run(session) {
    for (const operand of session.flags.operands) {
      const caret = operand.lastIndexOf('^');
      if (caret < 0) throw usageError(`'${operand}' is not an output: write DERIVATION^OUTPUT`, session.name);
      session.localStore.forgetRealisation(followToStorePath(session, operand.slice(0, caret)), operand.slice(caret + 1));
    }
  },
});

type Derived = Awaited<ReturnType<typeof resolveInstallables>>[number]['derived'][number];

/** What is known of an output, or a path that was known beforehand. */
type Trace =
  | { readonly path: StorePath }
  | { readonly drvPath: StorePath; readonly output: string; readonly path: StorePath; readonly signatures: readonly string[] };

function tracesOf(session: CommandSession, derived: readonly Derived[]): Trace[] {
  const { goalStore } = session.workspace();
  return derived.flatMap((one): Trace[] => {
    if (one.kind === 'path') return [{ path: one.path as StorePath }];
    const drvPath = one.drvPath as StorePath;
    if (!isDerivationPath(drvPath)) throw usageError(`'${drvPath}' is not a derivation`, session.name);
    const { outputs } = goalStore.readDerivation(drvPath);
    return (one.outputs === 'all' ? [...outputs.keys()].sort() : one.outputs).map((name): Trace => {
      const output = outputs.get(name);
      const known = output === undefined ? undefined : knownOutputPath(output);
      if (known !== undefined) return { path: known };
      const realisation = goalStore.queryRealisation(drvPath, name);
      if (realisation === undefined) throw outputNotBuilt(drvPath, name);
      return realisation;
    });
  });
}

/** By the subcommand's name. */
export const buildTrace = { info: info('nix store build-trace info'), delete: remove('nix store build-trace delete') };
