// One line of a CRI log file, and what a reader may ask of lines.
// Pure.

export interface LogLine {
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** `false` for a piece of a longer line, which has no line end of its own. */
  readonly whole: boolean;
  readonly text: string;
}

/** `undefined` when the line is not in CRI format. */
export function parseLogLine(line: string): LogLine | undefined {
  const match = /^(\S+) (stdout|stderr) ([PF])(?: (.*))?$/s.exec(line);
  if (match === null) return undefined;
  const [, time = '', stream, tag, text = ''] = match;
  return { time, stream: stream === 'stderr' ? 'stderr' : 'stdout', whole: tag === 'F', text };
}

export interface LogQuery {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Last lines only. */
  readonly tailLines?: number;
  /** Wall time in milliseconds; older lines are left out. */
  readonly sinceMs?: number;
  /** Output is cut after so many bytes. */
  readonly limitBytes?: number;
  /** One of the two only. */
  readonly stream?: 'stdout' | 'stderr';
}

function positive(text: string | null, name: string): number | undefined {
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new Error(`Query parameter ${name}="${text}" must be a whole number of 0 or more`);
  return value;
}

/** Reads the parameters of `/containerLogs`; throws an `Error` that names the wrong one. */
export function parseLogQuery(query: URLSearchParams, wall: number): LogQuery {
  const tailLines = positive(query.get('tailLines'), 'tailLines');
  const limitBytes = positive(query.get('limitBytes'), 'limitBytes');
  const sinceSeconds = positive(query.get('sinceSeconds'), 'sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const since = sinceTime === null ? Number.NaN : Date.parse(sinceTime);
  if (sinceTime !== null && Number.isNaN(since))
    throw new Error(`Query parameter sinceTime="${sinceTime}" must be an RFC 3339 time`);
  const sinceMs = sinceSeconds === undefined ? (sinceTime === null ? undefined : since) : wall - sinceSeconds * 1000;
  const stream = streamOf(query.get('stream'));
  if (stream !== undefined && tailLines !== undefined)
    throw new Error('Query parameters tailLines and stream cannot be given together, unless stream is "All"');
  return {
    follow: query.get('follow') === 'true',
    previous: query.get('previous') === 'true',
    timestamps: query.get('timestamps') === 'true',
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(stream === undefined ? {} : { stream }),
  };
}

function streamOf(text: string | null): 'stdout' | 'stderr' | undefined {
  if (text === null || text === '' || text === 'All') return undefined;
  if (text === 'Stdout') return 'stdout';
  if (text === 'Stderr') return 'stderr';
  throw new Error(`Query parameter stream="${text}" must be "All", "Stdout" or "Stderr"`);
}

/** The line as the reader gets it; empty when it is too old. */
export function renderLogLine(line: string, query: Pick<LogQuery, 'timestamps' | 'sinceMs' | 'stream'>): string {
  const parsed = parseLogLine(line);
  if (parsed === undefined) return '';
  if (query.stream !== undefined && parsed.stream !== query.stream) return '';
  if (query.sinceMs !== undefined && Date.parse(parsed.time) < query.sinceMs) return '';
  return `${query.timestamps ? `${parsed.time} ` : ''}${parsed.text}${parsed.whole ? '\n' : ''}`;
}
