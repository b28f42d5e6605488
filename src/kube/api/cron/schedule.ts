// The schedule of a CronJob: five fields, a name like `@daily`, or `@every 1h30m`.
// Pure. Upstream source of the grammar and of what runs when: github.com/robfig/cron v3, ParseStandard and spec.go.
import { parseGoDuration } from './duration.ts';
import { daysOfMonth, daysOfWeek, type Field, hours, minutes, months, parseField } from './fields.ts';
import { clockOf, type LocalTime, timeZoneExists, UTC } from './time-zone.ts';

export interface CronSchedule {
  /** The first run after `wallMs`; undefined when there is none for years (the 31st of February). */
  next(wallMs: number): number | undefined;
  /** Set when it runs at this distance, in milliseconds, from whatever it is asked about, not by the clock. */
  readonly everyMs?: number;
}

export type ParsedSchedule = { readonly schedule: CronSchedule } | { readonly error: string };

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
/** A time that does not come within so many years does not come. As upstream. */
const MAX_YEARS = 5;

const named: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** `timeZone` is of an IANA name that exists; a schedule may still bring its own as `TZ=` or `CRON_TZ=`. */
export function parseCronSchedule(text: string, timeZone: string = UTC): ParsedSchedule {
  if (text === '') return { error: 'empty spec string' };
  const [prefix, zone] = /^(?:CRON_)?TZ=(\S*) */.exec(text) ?? [];
  if (prefix !== undefined && zone !== undefined) {
    if (zone !== '' && !timeZoneExists(zone))
      return { error: `provided bad location ${zone}: unknown time zone ${zone}` };
    return parseWithoutZone(text.slice(prefix.length).trim(), zone === '' ? UTC : zone);
  }
  return parseWithoutZone(text, timeZone);
}

function parseWithoutZone(text: string, timeZone: string): ParsedSchedule {
  const every = /^@every (.*)$/s.exec(text)?.[1];
  if (every !== undefined) {
    const duration = parseGoDuration(every);
    if (typeof duration === 'string') return { error: `failed to parse duration ${text}: ${duration}` };
    return { schedule: constantDelay(duration) };
  }
  const spelled = Object.hasOwn(named, text) ? named[text] : undefined;
  if (spelled === undefined && text.startsWith('@')) return { error: `unrecognized descriptor: ${text}` };
  const parts = (spelled ?? text).split(/\s+/).filter((part) => part !== '');
  if (parts.length !== 5) return { error: `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]` };
  const fields: Field[] = [];
  for (const [index, bounds] of [minutes, hours, daysOfMonth, months, daysOfWeek].entries()) {
    const field = parseField(parts[index] ?? '', bounds);
    if (typeof field === 'string') return { error: field };
    fields.push(field);
  }
  return { schedule: byTheClock(fields, timeZone) };
}

/** In whole seconds, at least one. */
function constantDelay(durationMs: number): CronSchedule {
  const everyMs = Math.max(1, Math.floor(durationMs / 1000)) * 1000;
  return { everyMs, next: (wallMs) => Math.floor(wallMs / 1000) * 1000 + everyMs };
}

/**
 * Runs at every minute at which the clocks of the time zone show what the fields name: not at all at a time that is
 * skipped when they are put forward, and twice at one that comes twice when they are put back.
 */
function byTheClock([minute, hour, dayOfMonth, month, dayOfWeek]: readonly Field[], timeZone: string): CronSchedule {
  const clock = clockOf(timeZone);
  const isDay = (at: LocalTime): boolean => {
    const byMonth = dayOfMonth?.values.has(at.day) === true;
    const byWeek = dayOfWeek?.values.has(at.weekday) === true;
    // When both are named, either will do.
    return dayOfMonth?.any === true || dayOfWeek?.any === true ? byMonth && byWeek : byMonth || byWeek;
  };
  /** Minutes that can be passed over from here, 0 at a run. Clocks are changed at full hours only. */
  const ahead = (at: LocalTime): number => {
    const restOfHour = HOUR_MINUTES - at.minute;
    if (month?.values.has(at.month) !== true || !isDay(at))
      // Up to an hour that is there on each day, whatever is done to the clocks.
      return at.hour < 21 ? restOfHour + (20 - at.hour) * HOUR_MINUTES : restOfHour;
    if (hour?.values.has(at.hour) !== true) return restOfHour;
    for (let next = at.minute; next < HOUR_MINUTES; next++)
      if (minute?.values.has(next) === true) return next - at.minute;
    return restOfHour;
  };
  return {
    next(wallMs) {
      let at = (Math.floor(wallMs / MINUTE_MS) + 1) * MINUTE_MS;
      const lastYear = clock(at).year + MAX_YEARS;
      for (;;) {
        const local = clock(at);
        if (local.year > lastYear) return undefined;
        const skipped = ahead(local);
        if (skipped === 0) return at;
        at += skipped * MINUTE_MS;
      }
    },
  };
}
