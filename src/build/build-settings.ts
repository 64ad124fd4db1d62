/** What Nix's settings say of how builds are run and told, beside the sandbox. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Progress } from '#base';
import { signPath, type StorePath } from '#formats';
import { collectForSpace, readSecretKeys, signRealisation, type LocalStore } from '#store';
import { hookFailed } from './errors.ts';
import type { OutputMap } from './output-paths.ts';
import type { RealiseOptions } from './realise.ts';
import type { SandboxSettings } from './sandbox/settings.ts';

export interface BuildSurroundings {
  readonly store: LocalStore;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
}

/** The options of `realise` that settings name. */
export function buildSettings(
  settings: SandboxSettings, { store, environment, progress }: BuildSurroundings,
): Pick<RealiseOptions, 'logs' | 'sign' | 'signRealisation' | 'whenBuilt' | 'makeRoom'> {
  const hook = settings.text('post-build-hook');
  const keys = readSecretKeys(settings.list('secret-key-files'));
  const minimumFree = settings.number('min-free', 0);
  const checkInterval = settings.number('min-free-check-interval', 5);
  // By it C++ Nix's tests say how much is free.
  const freeSpaceFile = environment['_NIX_TEST_FREE_SPACE_FILE'];
  return {
    logs: {
      shownLines: settings.number('log-lines', 25), keep: settings.flag('keep-build-log', true),
      compress: settings.flag('compress-build-log', true),
    },
    ...(keys.length === 0 ? {} : {
      sign: (info) => keys.map((key) => signPath(info, key)),
      signRealisation: (one) => signRealisation(one, keys),
    }),
    ...(hook === undefined || hook === '' ? {} : {
      whenBuilt: (drvPath, outputs) => runHook(hook, drvPath, outputs, environment, progress),
    }),
    ...(minimumFree === 0 ? {} : {
      makeRoom: {
        everySeconds: Math.max(1, checkInterval),
        collect: () => collectForSpace(store, {
          minimumFreeBytes: minimumFree,
          maximumFreeBytes: settings.number('max-free', Number.MAX_SAFE_INTEGER),
          keepDerivations: settings.flag('keep-derivations', true),
          keepOutputs: settings.flag('keep-outputs', false),
          checkedEverySeconds: checkInterval,
          ...(freeSpaceFile === undefined ? {} : { freeBytes: () => Number(readFileSync(freeSpaceFile, 'utf8')) }),
        }),
      },
    }),
  };
}

/** Runs the user's program after a build; what it says is shown. */
function runHook(
  program: string, drvPath: StorePath, outputs: OutputMap,
  environment: Readonly<Record<string, string | undefined>>, progress: Progress,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...environment, DRV_PATH: drvPath, OUT_PATHS: [...outputs.values()].join(' ') },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.split('\n')) if (line !== '') progress.message('notice', line);
      });
    }
    child.once('error', (error) => reject(hookFailed(program, error.message)));
    child.once('close', (status, signal) => {
      if (status === 0) resolve();
      else reject(hookFailed(program, status === null ? `was killed by ${signal}` : `failed with exit code ${status}`));
    });
  });
}
