// What is told of single requests, and where: a log, and traces. Each is off when left out.
// Types only.
import type { AccessLogSettings } from './access-record.ts';
import type { TraceSettings } from './traces/span-exporter.ts';

export interface Reporting {
  readonly accessLog?: AccessLogSettings;
  readonly traces?: TraceSettings;
}
