/**
 * An evaluation that goes on from an image of another (docs/decisions/revisions.md) met something
 * that it cannot know: it is to be performed anew. No program catches it.
 */
export class Unkept extends Error {}
