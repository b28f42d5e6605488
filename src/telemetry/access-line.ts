// Turns a record into a line of the access log: the fields that were picked, as JSON or as plain text.
// Pure; knows nothing of files. On the hot path of a worker that logs every request.
import type { AccessLogSettings, AccessRecord } from './access-record.ts';

/** The line with its end; `wall` is the time in milliseconds since the epoch. */
export type WriteLine = (record: AccessRecord, wall: number) => string;

/** Whoever has none of these is the same in quotes as JSON has it. */
const ESCAPED = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
/** One word of plain text has no blank either. */
const NO_WORD = /[^\x21\x23-\x5b\x5d-\x7e]/;

export function lineWriter({ format, fields }: Pick<AccessLogSettings, 'format' | 'fields'>): WriteLine {
  const write = format === 'text' ? plain : json;
  // What stands between two values never changes.
  const before = fields.map((field, at) => {
    if (format === 'text') return at === 0 ? '' : ' ';
    return `${at === 0 ? '{' : ','}${JSON.stringify(field)}:`;
  });
  const end = format === 'text' ? '\n' : '}\n';
  let second = '';
  let secondAt = Number.NaN;
  return (record, wall) => {
    let line = '';
    for (let at = 0; at < fields.length; at++) {
      const field = fields[at] as (typeof fields)[number];
      line += before[at];
      if (field === 'time') {
        // Most of it is the same for a second's requests.
        const start = wall - (wall % 1000);
        if (start !== secondAt) {
          second = new Date(start).toISOString().slice(0, -4);
          secondAt = start;
        }
        line += write(`${second}${String(Math.trunc(wall - start)).padStart(3, '0')}Z`);
      } else line += write(record[field]);
    }
    return line + end;
  };
}

function json(value: string | number): string {
  if (typeof value === 'number') return String(value);
  return ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`;
}

/** What has blanks, quotes or control characters stands in quotes, as JSON has it; nothing is `-`. */
function plain(value: string | number): string {
  if (typeof value === 'number') return String(value);
  if (value === '') return '-';
  return value === '-' || NO_WORD.test(value) ? JSON.stringify(value) : value;
}
