/** Programs that `nix run` and `nix fmt` run: found, built, and run. */

import { decodeUtf8 } from '#base';
import type { Wanted } from '#build';
import { splitStorePath, type StorePath } from '#formats';
import { appTask, type AppInput, type FlakeAttributes, type FoundApp } from '#host';
import { appOutsideStore } from '../errors.ts';
import type { CommandSession } from './command.ts';
import { tellMissing } from './missing.ts';
import { purityOf, valueSource } from './value-source.ts';

/** Where a flake's programs are: its apps, then its packages. */
export function appAttributes(system: string): FlakeAttributes {
  return {
    prefixes: [`apps.${system}.`, `packages.${system}.`, `legacyPackages.${system}.`],
    defaults: [`apps.${system}.default`, `defaultApp.${system}`, `packages.${system}.default`, `defaultPackage.${system}`],
  };
}

/** Finds and builds the program that an operand means; returns its path in the store. */
export async function buildApp(session: CommandSession, operand: string, attributes: FlakeAttributes): Promise<string> {
  const input: AppInput = valueSource(session, operand, attributes);
  const workspace = session.workspace();
  const app = await workspace.evaluate<FoundApp>(appTask, input, { settingOverrides: purityOf(session, input) });
  await tellMissing(workspace, wantedOf(app.context), await session.openProgress());
  const paths = await workspace.services.realise!(app.context);
  let program = app.program;
  for (const [placeholder, path] of paths) program = program.replaceAll(placeholder, path);
  if (storePathOf(session, program) === undefined) throw appOutsideStore(decodeUtf8(program));
  return decodeUtf8(program);
}

/** What context elements of one derivation each stand for. */
function wantedOf(context: readonly string[]): Wanted[] {
  return context.map((element): Wanted => {
    const [, output, drvPath] = /^!([^!]*)!([^!]+)$/.exec(element) ?? [];
    return output === undefined ? { path: element as StorePath } : { drvPath: drvPath as StorePath, outputs: [output] };
  }).filter((one) => 'drvPath' in one);
}

/** The store path that a file is in. */
export function storePathOf({ store }: CommandSession, file: string): StorePath | undefined {
  return splitStorePath(file, store.storeDirectory)?.storePath;
}
