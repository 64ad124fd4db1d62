/** How the program itself is loaded; knows nothing of what it does. */

export { packUse, threadStartOf } from './pack-in-use.ts';

/** Makes the pack; loaded when it is to be made. */
export async function makePack(isSettled: (path: string) => boolean): Promise<boolean> {
  return (await import('./make-pack.ts')).makePack(isSettled);
}
