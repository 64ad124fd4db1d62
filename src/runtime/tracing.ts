/**
 * Whether frames for `--show-trace` are collected.
 *
 * One switch for the process, read on every call: code made while it is off collects nothing.
 */
export const tracing = { on: false };
