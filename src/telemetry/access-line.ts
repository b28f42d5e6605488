// Turns a record into a line of the access log: the fields that were picked, as JSON or as plain text.
// Pure; knows nothing of files.
import type { AccessLogSettings, AccessRecord } from './access-record.ts';

/** The line with its end; `wall` is the time in milliseconds since the epoch. */
export type WriteLine = (record: AccessRecord, wall: number) => string;

export function lineWriter({ format, fields }: Pick<AccessLogSettings, 'format' | 'fields'>): WriteLine {
  const said = (record: AccessRecord, field: (typeof fields)[number], wall: number): string | number =>
    field === 'time' ? new Date(wall).toISOString() : record[field];
  if (format === 'text') {
    return (record, wall) => `${fields.map((field) => plain(said(record, field, wall))).join(' ')}\n`;
  }
  const keys = fields.map((field) => `${JSON.stringify(field)}:`);
  return (record, wall) => {
    const pairs = fields.map((field, at) => `${keys[at]}${JSON.stringify(said(record, field, wall))}`);
    return `{${pairs.join(',')}}\n`;
  };
}

/** One word: what has blanks, quotes or control characters stands in quotes, as JSON has it; nothing is `-`. */
function plain(value: string | number): string {
  if (typeof value === 'number') return String(value);
  if (value === '') return '-';
  return value === '-' || /[^\x21\x23-\x5b\x5d-\x7e]/.test(value) ? JSON.stringify(value) : value;
}
