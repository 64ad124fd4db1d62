/**
 * Where a user's profiles, channels and default expressions are.
 *
 * For a store at its own place (`/nix`, or where `NIX_STORE_DIR` puts it) these are C++ Nix's
 * places: the user's state folder or, for root, the store's own, with the links `~/.nix-profile` and
 * `~/.nix-defexpr` and the list `~/.nix-channels`; or all in the state folder by the setting
 * `use-xdg-base-directories`. A store below another root keeps all of them to itself, so that it
 * neither disturbs nor is disturbed by a Nix that the machine has; only `~/.nix-profile` is made where
 * there is none.
 */

import { join } from 'node:path';
import type { Environment, NixSettings } from './settings.ts';
import type { ChosenStore } from './store-location.ts';

export interface ProfilePlaces {
  /** The folder of the user's own profiles. */
  readonly directory: string;
  /** The profile of channels; `rootChannels` is that of the whole machine. */
  readonly channels: string;
  readonly rootChannels: string;
  /** The link that is the default profile, and what it leads to at first. */
  readonly profileLink: string;
  readonly profile: string;
  /** Further names of the default profile, with what they lead to; made where nothing stands. */
  readonly otherNames: readonly (readonly [name: string, target: string])[];
  /** The default expressions of `nix-env`: a file, a folder or a link. */
  readonly defaultExpressions: string;
  readonly channelList: string;
  /** The folder of everybody's profiles. */
  readonly allProfiles: string;
  /** Whether the store stands below a root of its own. */
  readonly isPrivate: boolean;
}

export function profilePlaces(
  environment: Environment, settings: NixSettings, store: ChosenStore, userId: number,
): ProfilePlaces {
  const home = environment['HOME'] || '/';
  const stateHome = environment['NIX_STATE_HOME']
    || join(environment['XDG_STATE_HOME'] || join(home, '.local/state'), 'nix');
  const allProfiles = join(store.stateDirectory ?? join(store.root, 'nix/var/nix'), 'profiles');
  const isRoot = userId === 0;
  const rootDirectory = join(allProfiles, 'per-user/root');
  if (!standsAtItsPlace(store)) {
    const directory = isRoot ? rootDirectory : join(allProfiles, 'per-user', String(userId));
    const channels = join(directory, 'channels');
    return {
      directory, channels, rootChannels: channels, allProfiles,
      profile: join(directory, 'profile'), profileLink: join(directory, 'default'),
      otherNames: [[join(home, '.nix-profile'), join(directory, 'default')]],
      defaultExpressions: join(directory, 'defexpr'), channelList: join(directory, 'channels.list'), isPrivate: true,
    };
  }
  const directory = isRoot ? rootDirectory : join(stateHome, 'profiles');
  const usesXdg = settings.flag('use-xdg-base-directories', false);
  return {
    directory, allProfiles,
    channels: join(directory, 'channels'),
    rootChannels: join(rootDirectory, 'channels'),
    profile: join(directory, 'profile'),
    profileLink: usesXdg ? join(stateHome, 'profile') : join(home, '.nix-profile'),
    otherNames: isRoot ? [[join(allProfiles, 'default'), join(directory, 'profile')]] : [],
    defaultExpressions: usesXdg ? join(stateHome, 'defexpr') : join(home, '.nix-defexpr'),
    channelList: usesXdg ? join(stateHome, 'channels') : join(home, '.nix-channels'),
    isPrivate: false,
  };
}

/** Whether the store's paths are real ones. */
function standsAtItsPlace(store: ChosenStore): boolean {
  const usual = store.root === '/' ? store.storeDirectory : `${store.root}${store.storeDirectory}`;
  return (store.physicalStoreDirectory ?? usual) === store.storeDirectory;
}
