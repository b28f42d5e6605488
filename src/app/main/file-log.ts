// The log of a process: pino lines into a file, and on request to standard error as well.
// Knows no part that logs; they see only the Logger of lib/.
import type { Logger as PinoLogger } from 'pino';
import type { LogFields, Logger } from '#lib/log.ts';

export interface LogOptions {
  /** Lines are appended here; left out, nothing is kept. */
  readonly file?: string;
  /** Also to standard error, and at debug level. */
  readonly verbose?: boolean;
  /** Only this, and worse, to standard error, for a process that keeps no file. */
  readonly stderr?: 'info' | 'warn';
}

export interface ProcessLog extends Logger {
  /** Writes out what is still buffered. */
  flush(): void;
}

export async function openLog(options: LogOptions): Promise<ProcessLog> {
  const { pino } = await import('pino');
  const level = options.verbose === true ? 'debug' : 'info';
  const streams = [
    // Synchronous: the last lines before a crash are the ones that matter, and there are few.
    ...(options.file === undefined
      ? []
      : [{ level, stream: pino.destination({ dest: options.file, mkdir: true, sync: true }) }]),
    ...(options.verbose === true || options.stderr !== undefined
      ? [{ level: options.stderr ?? level, stream: pino.destination({ dest: 2, sync: true }) }]
      : []),
  ] as const;
  const settings = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = pino(settings, pino.multistream([...streams]));
  return { ...adapt(logger), flush: () => logger.flush() };
}

function adapt(logger: PinoLogger): Logger {
  return {
    debug: (fields, message) => logger.debug(readable(fields), message),
    info: (fields, message) => logger.info(readable(fields), message),
    warn: (fields, message) => logger.warn(readable(fields), message),
    error: (fields, message) => logger.error(readable(fields), message),
    child: (fields) => adapt(logger.child(readable(fields))),
  };
}

/** Errors have no enumerable fields: without this they would show as `{}`. */
function readable(fields: LogFields): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    out[name] = value instanceof Error ? { message: value.message, stack: value.stack } : value;
  }
  return out;
}
