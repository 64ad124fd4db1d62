/** Numbers and limits of the serve protocol, spoken with `nix-store --serve`. */

export const serveMagic = { client: 0x390c9deb, server: 0x5452eecb } as const;

export const serveMajor = 2;
export const newestServeMinor = 8;
/** 2.5 brought the request that adds a path; Nix 2.2 speaks it. */
export const oldestServeMinor = 5;

export const serveCommands = {
  queryValidPaths: 1,
  queryPathInfos: 2,
  dumpStorePath: 3,
  importPaths: 4,
  buildPaths: 6,
  queryClosure: 7,
  buildDerivation: 8,
  addToStoreNar: 9,
} as const;
