/**
 * The settings that a flake names in `nixConfig`: given force for the rest of the command, if they
 * are trusted. Who trusts them is asked through the host's door, since only a command can ask a user.
 */

import type { Flake } from '#eval';
import { evaluationSettings } from '../evaluation-settings.ts';
import type { EvaluationSession } from '../worker/session.ts';

/** Of the evaluator's settings, those that may change while it runs. */
const changeable = [
  'flakes', 'features', 'allowImportFromDerivation', 'allowedUris', 'traceVerbose', 'abortOnWarn', 'maxCallDepth',
] as const;

export function applyConfig(session: EvaluationSession, { config }: Flake): void {
  if (config.size === 0) return;
  const texts = new Map([...config].map(([name, value]) =>
    [name, Array.isArray(value) ? value.join(' ') : String(value)]));
  const { attributes: trusted } = session.host.fetch('flakeConfig', texts);
  session.nixSettings.apply([...trusted].map(([name, value]) => [name, String(value)] as const));
  for (const name of texts.keys()) {
    if (trusted.has(name)) continue;
    session.evaluator.warn(
      `ignoring untrusted flake configuration setting '${name}'.\nPass '--accept-flake-config' to trust it`);
  }
  if (trusted.size === 0) return;
  const { nixSettings, settings, workingDirectory } = session;
  const changed = evaluationSettings(nixSettings, {}, [], workingDirectory);
  Object.assign(settings, Object.fromEntries(changeable.map((name) => [name, changed[name]])));
}
