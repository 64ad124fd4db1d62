/** The errors of the sandbox: what is missing to make one, and what befalls a builder in it. */
import { UserError } from '#base';

export function sandboxMissing(): UserError {
  return new UserError('SANDBOX_MISSING', 'The program bwrap, which builds are kept apart with, is not on PATH', {
    hint: 'install the package bubblewrap: apt install bubblewrap, dnf install bubblewrap, pacman -S bubblewrap',
  });
}

export function sandboxRefused(said: string): UserError {
  return new UserError('SANDBOX_REFUSED', `The system does not let bwrap make namespaces: ${said}`, {
    hint: 'allow unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1, or '
      + 'kernel.apparmor_restrict_unprivileged_userns=0; in a container, run it so that namespaces may be made in it',
  });
}

/** A program that connects downloads. */
export function programMissing(name: string, debianPackage: string): UserError {
  return new UserError('NETWORK_TOOL_MISSING', `The program ${name}, which downloads are connected to the network with, is not on PATH`, {
    hint: `install the package ${debianPackage} (apt install ${debianPackage}), or set fixed-output-network = host to let `
      + 'downloads share the network of this machine',
  });
}

export function networkRefused(program: string, said: string): UserError {
  return new UserError('NETWORK_REFUSED', `${program} could not connect the builder to the network: ${said || 'it ended'}`, {
    hint: 'it needs /dev/net/tun: modprobe tun, or give it to the container; fixed-output-network = host lets downloads '
      + 'share the network of this machine',
  });
}

/** What `ip` said is in the log. */
export function rulesNotMade(ip: string): UserError {
  return new UserError('NETWORK_REFUSED', `${ip} could not make the rules of the builder's network`, {
    hint: 'it must be that of iproute2, and the kernel must have policy routing; fixed-output-network = host lets downloads '
      + 'share the network of this machine',
  });
}

export function networkLost(program: string, said: string): UserError {
  return new UserError('NETWORK_LOST', `${program}, which connected the builder to the network, ended before it${said && `: ${said}`}`);
}

export function badNetworkMode(text: string): UserError {
  return new UserError('BAD_SETTING', `option 'fixed-output-network' has invalid value '${text}'`, {
    hint: 'it is isolated or host',
  });
}

export function sandboxOnLinuxOnly(platform: string): UserError {
  return new UserError('SANDBOX_UNSUPPORTED', `Builders cannot be run in a sandbox on ${platform}`, {
    hint: 'take the output from a binary cache, or build on Linux',
  });
}

export function sandboxRequired(drvPath: string): UserError {
  return new UserError(
    'SANDBOX_REQUIRED', `derivation '${drvPath}' has '__noChroot' set, but that's not allowed when 'sandbox' is 'true'`, {
      hint: 'set sandbox = relaxed to let such derivations out of it',
    });
}

export function badSandboxMode(text: string): UserError {
  return new UserError('BAD_SETTING', `option 'sandbox' has invalid value '${text}'`, {
    hint: 'it is true, false or relaxed',
  });
}

export function badMemorySize(text: string): UserError {
  return new UserError('BAD_SETTING', `option 'sandbox-dev-shm-size' has invalid value '${text}'`, {
    hint: 'it is a number of bytes, with k, m or g if you like, or a part of the memory: 50%',
  });
}

export function foreignSystem(wanted: string, here: string): UserError {
  return new UserError('FOREIGN_SYSTEM', `It needs a machine of the system ${wanted}, and this one is ${here}`, {
    hint: 'take the output from a binary cache, or name the system in extra-platforms if this machine can run it',
  });
}

export function featuresMissing(features: readonly string[]): UserError {
  return new UserError('FEATURES_MISSING', `It needs a machine with the features ${features.join(', ')}`, {
    hint: 'if this machine has them, name them in the setting system-features',
  });
}

export function builderNotVisible(builder: string): UserError {
  return new UserError('BUILDER_NOT_VISIBLE', `Its builder ${builder} is not in its input closure`, {
    hint: 'a builder is a file of a store path that the derivation depends on, or of a path in the setting sandbox-paths',
  });
}

export function storeElsewhere(logical: string, physical: string): UserError {
  return new UserError(
    'STORE_ELSEWHERE',
    `Without a sandbox builders write to ${logical} itself, and this store's files are in ${physical}`,
    { hint: 'leave the setting sandbox on, or use a store that is where its paths say' },
  );
}

export function nestedNotAllowed(action: string, what: string): UserError {
  return new UserError('NOT_IN_INPUTS', `cannot ${action} unknown path '${what}' in recursive Nix`, {
    hint: 'a builder sees its inputs, what it has added and what it has had built',
  });
}

export function preBuildHookFailed(program: string, cause: Error): UserError {
  return new UserError('HOOK_FAILED', `program '${program}' failed: ${cause.message}`, {
    hint: 'it is named by the setting pre-build-hook', cause,
  });
}

export function unknownHookCommand(program: string, line: string): UserError {
  return new UserError('HOOK_FAILED', `unknown pre-build hook command '${line}'`, {
    hint: `${program} says 'extra-sandbox-paths', then paths, then an empty line`,
  });
}

export function groupsNotDropped(): UserError {
  return new UserError('GROUPS_NOT_DROPPED', 'setgroups failed: builders would keep the supplementary groups of this process', {
    hint: 'set the option require-drop-supplementary-groups to false to let them',
  });
}

export function nestingNotHere(): UserError {
  return new UserError('FEATURES_MISSING', "'recursive-nix' is not supported by external builders");
}

export function malformedExternalBuilders(reason: string): UserError {
  return new UserError('BAD_SETTING', `The setting external-builders cannot be read: ${reason}`, {
    hint: 'it is a JSON list of sets: [{"systems": ["SYSTEM"], "program": "/PATH", "args": []}]',
  });
}

export function notInInputs(path: string): UserError {
  return new UserError(
    'NOT_IN_INPUTS',
    `cannot export references of path '${path}' because it is not in the input closure of the derivation`,
  );
}

export function argumentNotText(argument: string): UserError {
  return new UserError('ARGUMENT_NOT_TEXT', `An argument of its builder is not UTF-8: ${JSON.stringify(argument)}`);
}

export function tooManySettings(count: number, limit: number): UserError {
  return new UserError(
    'TOO_MANY_SETTINGS',
    `Its variables and the setting sandbox-paths come to ${count} arguments of bwrap, which takes ${limit}`,
    { hint: 'give the derivation structured attributes, which are no variables' },
  );
}

export function builderFailed(status: number): UserError {
  return new UserError('BUILDER_FAILED', `builder failed with exit code ${status}`);
}

/** `signal` is the number. */
export function builderKilled(signal: number): UserError {
  const name = signalNames[signal];
  return new UserError('BUILDER_FAILED', `builder failed due to signal ${signal}${name === undefined ? '' : ` (${name})`}`);
}

/** What the C library calls the signals that end programs. */
const signalNames: Readonly<Record<number, string>> = {
  1: 'Hangup', 2: 'Interrupt', 3: 'Quit', 4: 'Illegal instruction', 5: 'Trace/breakpoint trap', 6: 'Aborted', 7: 'Bus error',
  8: 'Floating point exception', 9: 'Killed', 11: 'Segmentation fault', 13: 'Broken pipe', 14: 'Alarm clock', 15: 'Terminated',
  24: 'CPU time limit exceeded', 25: 'File size limit exceeded', 31: 'Bad system call',
};

export function builderTimedOut(seconds: number): UserError {
  return new UserError('BUILDER_TIMED_OUT', `timed out after ${seconds} seconds`, {
    hint: 'raise the setting timeout',
  });
}

export function builderSilent(seconds: number): UserError {
  return new UserError('BUILDER_TIMED_OUT', `timed out after ${seconds} seconds of silence`, {
    hint: 'raise the setting max-silent-time',
  });
}

export function builderTooLoud(limitBytes: number): UserError {
  return new UserError('BUILD_LOG_TOO_LONG', `builder killed after writing more than ${limitBytes} bytes of log output`, {
    hint: 'raise the setting max-build-log-size',
  });
}

export function noFilterFor(architecture: string): UserError {
  return new UserError('SANDBOX_UNSUPPORTED', `There is no filter of system calls for the processor ${architecture}`);
}
