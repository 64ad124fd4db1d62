/**
 * Memory for the flat heap that somebody else has made, shared with other threads. To be given before
 * that layer is loaded, which takes its memory then.
 */
export const heapMemory: { given?: SharedArrayBuffer } = {};
