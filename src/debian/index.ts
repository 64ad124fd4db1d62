/** debian: the archive client, from signed release file to channel and package file. */
export * from './channel.ts';
export * from './errors.ts';
export * from './http.ts';
export * from './lock.ts';
export * from './mirrors.ts';
export * from './release.ts';
export * from './snapshot.ts';
export * from './suites.ts';
