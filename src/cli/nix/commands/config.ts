/** `nix config show` (and `nix show-config`, its elder name) and `nix config check`. */

import { delimiter, join } from 'node:path';
import { accessSync, constants } from 'node:fs';
import { settingForms } from '#host';
import { DaemonPeer, PeerStore } from '#store';
import { unknownSetting, usageError } from '../../errors.ts';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';

const show = (name: string) => defineCommand({
  name, operands: '[SETTING]', summary: 'Prints the settings that are in force, or one of them.', flags: jsonFlags,
  async run(session) {
    const { flags } = session;
    const [wanted] = flags.operands;
    const values = settingsInForce(session);
    if (wanted !== undefined) {
      if (flags.has('--json')) throw usageError("'--json' is not supported when specifying a setting name", session.name);
      const value = values.get(wanted);
      if (value === undefined) throw unknownSetting(wanted);
      session.print(value);
    } else if (flags.has('--json')) {
      session.printJson(Object.fromEntries([...values].map(([key, value]) =>
        [key, { value: typedValue(value), defaultValue: typedValue(settingForms.get(key)!.otherwise) }])));
    } else {
      for (const [key, value] of values) session.print(`${key} = ${value}`);
    }
  },
});

const check = defineCommand({
  name: 'nix config check', summary: 'Looks whether programs and store are as Firn needs them.',
  async run(session) {
    const { context, store } = session;
    const line = (ok: boolean, text: string) => session.print(`[${ok ? 'PASS' : 'FAIL'}] ${text}`);
    const folders = (context.env['PATH'] ?? '').split(delimiter);
    const missing = ['bwrap', 'mkfifo'].filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
    line(missing.length === 0, missing.length === 0 ? 'PATH has the programs that builds need.'
      : `PATH lacks ${missing.join(', ')}, which builds need.`);
    const peer = store instanceof PeerStore ? store.peer : undefined;
    await peer?.queryValidPaths([]);
    const name = peer?.name ?? 'local';
    line(true, peer === undefined ? `The store in ${store.physicalStoreDirectory} can be opened.`
      : `The store ${name} answers.`);
    const trust = peer === undefined ? true : peer instanceof DaemonPeer ? peer.trustsUs : undefined;
    session.print(trust === undefined ? `[INFO] Store uri: ${name} doesn't have a notion of trusted user`
      : `[INFO] You are ${trust ? 'trusted' : 'not trusted'} by store uri: ${name}`);
    return missing.length === 0 ? 0 : 2;
  },
});

/** All settings by name, those that nothing sets with their defaults, without those that are off. */
function settingsInForce({ settings }: CommandSession): Map<string, string> {
  const forms = [...settingForms.values()].filter(({ feature }) => feature === undefined || settings.hasFeature(feature));
  const rows = forms.map(({ name, otherwise }) => [name, settings.text(name) ?? otherwise] as const);
  return new Map(rows.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function typedValue(text: string): unknown {
  if (/^(true|false)$/.test(text)) return text === 'true';
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** By the subcommand's name. */
export const configCommands = { show: show('nix config show'), check };
export const { run } = show('nix show-config');
