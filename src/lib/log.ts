// What every part writes its log lines to; the process decides where they go.
// Knows no logging library: app/ hands in one that fits this shape.

export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logger; the message is a sentence-case phrase, the fields carry the values. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

/** Swallows everything; for tests and for library use without a log. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child() {
    return silentLogger;
  },
};
