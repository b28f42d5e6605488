// Reads a recorded trace, to be sent again: an access log of the gateway, or rates over time.
// Knows text and numbers; what is sent, and how, is somebody else's business.
import { Failure } from '../failure.ts';
import { type Knot, recordedTimes, type Schedule, varyingRate } from './schedule.ts';

/** What one request of a trace says of itself; the rest is as the command line has it. */
export interface TracedRequest {
  readonly method: string;
  readonly path: string;
  readonly host?: string;
}

export interface Trace {
  readonly schedule: Schedule;
  /** Absent where the trace has rates only. */
  readonly requests?: readonly TracedRequest[];
}

const REMEDY =
  'Give an access log of the gateway (JSON lines), or lines "seconds,requests per second" in order of time, such as "0,50"';
/** Methods that carry no body, so that a log holds all there is to them. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * `text` as JSON lines (`time`, `method`, `path`, and `host`, `durationMs` where they are there), or as lines of seconds
 * and rate. `speed` 2 sends it in half the time. Throws a `Failure` that names the line. Requests of a log that had a
 * body are left out: the log does not have it.
 */
export function readTrace(text: string, name: string, speed: number): Trace {
  const lines = text.split('\n').map((line) => line.trim());
  const first = lines.findIndex((line) => line !== '');
  if (first < 0) throw new Failure(`"${name}" is empty`, REMEDY);
  return lines[first]?.startsWith('{') === true ? fromLog(lines, name, speed) : fromRates(lines, name, speed);
}

function fromLog(lines: readonly string[], name: string, speed: number): Trace {
  const found: { startedAt: number; request: TracedRequest }[] = [];
  for (const [i, line] of lines.entries()) {
    if (line === '') continue;
    const record = recordOf(line, `line ${i + 1} of "${name}"`);
    if (REPEATABLE.has(record.request.method)) found.push(record);
  }
  if (found.length === 0) {
    throw new Failure(`"${name}" has no request that can be sent again (GET, HEAD, OPTIONS)`, REMEDY);
  }
  // A line is written when its request is over.
  found.sort((a, b) => a.startedAt - b.startedAt);
  const start = found[0]?.startedAt ?? 0;
  return {
    schedule: recordedTimes(found.map(({ startedAt }) => (startedAt - start) / speed)),
    requests: found.map(({ request }) => request),
  };
}

function recordOf(line: string, where: string): { startedAt: number; request: TracedRequest } {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line);
  } catch {
    throw new Failure(`${capital(where)} is no JSON`, REMEDY);
  }
  const { time, method, path, host, durationMs } = record;
  const ended = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(ended)) throw new Failure(`${capital(where)} has no time`, REMEDY);
  if (typeof method !== 'string' || typeof path !== 'string' || !path.startsWith('/')) {
    throw new Failure(`${capital(where)} has no method or no path`, REMEDY);
  }
  return {
    startedAt: ended - (typeof durationMs === 'number' ? durationMs : 0),
    request: { method, path, ...(typeof host === 'string' && host !== '' ? { host } : {}) },
  };
}

function fromRates(lines: readonly string[], name: string, speed: number): Trace {
  const knots = knotsIn(lines, name).map(({ atMs, rate }) => ({ atMs: atMs / speed, rate: rate * speed }));
  const highest = Math.max(...knots.map(({ rate }) => rate));
  if (highest > HIGHEST_RATE) {
    throw new Failure(`"${name}" asks for ${highest} requests a second; ${HIGHEST_RATE} are the most`, REMEDY);
  }
  return { schedule: varyingRate(knots) };
}

/** Demand over time from lines of seconds and rate, the first at 0. Throws a `Failure` that names the line. */
export function readRates(text: string, name: string): readonly Knot[] {
  return knotsIn(
    text.split('\n').map((line) => line.trim()),
    name,
  );
}

function knotsIn(lines: readonly string[], name: string): readonly Knot[] {
  const knots: Knot[] = [];
  for (const [i, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [seconds, rate, ...more] = line.split(/[,;\t]/).map((part) => Number(part.trim() || 'none'));
    // The first line may name the columns.
    if (knots.length === 0 && Number.isNaN(seconds)) continue;
    const where = `Line ${i + 1} of "${name}"`;
    if (seconds === undefined || rate === undefined || more.length > 0 || !(seconds >= 0) || !(rate >= 0)) {
      throw new Failure(`${where} is not "seconds,requests per second"`, REMEDY);
    }
    const atMs = seconds * 1000;
    if (atMs < (knots.at(-1)?.atMs ?? 0)) throw new Failure(`${where} is earlier than the one before`, REMEDY);
    knots.push({ atMs, rate });
  }
  const begins = knots[0]?.atMs ?? 0;
  const shifted = knots.map((knot) => ({ ...knot, atMs: knot.atMs - begins }));
  if ((shifted.at(-1)?.atMs ?? 0) === 0) throw new Failure(`"${name}" has fewer than two moments`, REMEDY);
  return shifted;
}

/** More than this one process cannot send, requests a second. */
const HIGHEST_RATE = 20_000;

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
