/** `nix print-dev-env`: the build environment of a derivation, as shell code or as JSON. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8 } from '#base';
import { defineCommand, jsonFlags } from '../command.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { environmentJson } from '../develop/build-environment.ts';
import { environmentCommandFlags, findEnvironment, redirects, shellAttributes } from '../develop/dev-environment.ts';
import { rcScript } from '../develop/rc-script.ts';

export const { run, usage } = defineCommand({
  name: 'nix print-dev-env',
  operands: '[INSTALLABLE]',
  attributes: shellAttributes,
  summary: 'Prints shell code that bash can source to reproduce the build environment of a derivation.',
  flags: [...jsonFlags, ...environmentCommandFlags, ...buildFlags],
  async run(session) {
    const { context, flags } = session;
    const progress = await session.openProgress();
    const { environment, path } = await findEnvironment(session);
    progress.close();
    if (flags.has('--json')) {
      session.printJson(decoded(environmentJson(environment)));
      return;
    }
    // Files of structured attributes are gone when the code is read; only their place is named.
    const folder = mkdtempSync(join(context.env['TMPDIR'] || tmpdir(), 'nix-dev-env.'));
    rmSync(folder, { recursive: true });
    const { text } = rcScript({
      environment, place: path, outputsFolder: encodeUtf8(join(context.cwd, 'outputs')), folder: encodeUtf8(folder),
      redirects: await redirects(session),
    });
    context.stdout.write(Buffer.from(text, 'latin1'));
  },
});

/** The same with ordinary strings in place of byte strings. */
function decoded(value: unknown): unknown {
  return JSON.parse(Buffer.from(JSON.stringify(value), 'latin1').toString());
}
