// What the file says of the access log and of traces: of the whole gateway, read at its start.
// Knows no engine.
import { ACCESS_FORMATS, type AccessLogSettings, accessFields, defaultAccessFields } from '#telemetry/access-record.ts';
import type { TraceSettings } from '#telemetry/traces/span-exporter.ts';
import { collectorUrl, defaultTraces } from '../../reporting.ts';
import { type EveryField, leaf, list, mapped, named, object, oneOf, optional, type Schema } from './kit.ts';
import { duration, headerValue, name, number } from './values.ts';

const ratio = number(0, 1);

export const accessLog: Schema<AccessLogSettings> = mapped(
  object({
    file: name,
    format: optional(oneOf(...ACCESS_FORMATS)),
    fields: optional(
      list(oneOf(...(Object.keys(accessFields) as (keyof typeof accessFields)[])), 'fields', { min: 1 }),
    ),
    ratio: optional(ratio),
    slow: optional(duration),
  } satisfies EveryField<AccessLogSettings>),
  ({ file, format = 'json', fields = defaultAccessFields, ratio = 1, slow = 0 }) => ({
    file,
    format,
    fields,
    ratio,
    slow,
  }),
);

const collector: Schema<string> = leaf<string>('a URL', 'e.g. http://127.0.0.1:4318', (value) => {
  const url = typeof value === 'string' ? collectorUrl(value) : undefined;
  return url === undefined ? undefined : { value: url };
});

export const traces: Schema<TraceSettings> = mapped(
  object({
    url: collector,
    ratio: optional(ratio),
    headers: optional(named(headerValue, 'headers')),
    serviceName: optional(name),
    timeout: optional(duration),
  } satisfies EveryField<TraceSettings>),
  ({ url, ...given }) => ({ ...defaultTraces, ...given, url }),
);
