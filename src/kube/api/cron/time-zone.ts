// Time zones by name: whether there is such a one, and what its clocks show.
// Knows nothing of schedules; the data is the runtime's own copy of the IANA database.

export const UTC = 'Etc/UTC';

/** What a clock on the wall and the calendar beside it show. */
export interface LocalTime {
  readonly minute: number;
  readonly hour: number;
  /** 1 to 31. */
  readonly day: number;
  /** 1 to 12. */
  readonly month: number;
  readonly year: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/** As Go's time.LoadLocation: exact in case, and no offsets. */
export function timeZoneExists(name: string): boolean {
  if (/^[+-]/.test(name)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions();
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

/** Reads the clocks of a time zone that exists, at milliseconds since the Unix epoch. */
export function clockOf(timeZone: string): (wallMs: number) => LocalTime {
  if (timeZone === UTC || timeZone === 'UTC') return (wallMs) => calendarOf(wallMs);
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (wallMs) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0] = (format.format(wallMs).match(/\d+/g) ?? []).map(
      Number,
    );
    return calendarOf(Date.UTC(year, month - 1, day, hour, minute));
  };
}

function calendarOf(utcMs: number): LocalTime {
  const date = new Date(utcMs);
  return {
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    year: date.getUTCFullYear(),
    weekday: date.getUTCDay(),
  };
}
