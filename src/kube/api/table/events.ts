// How events are printed, in their old form and in that of events.k8s.io.
// Knows columns and cells only. Upstream source: printEvent in pkg/printers/internalversion/printers.go.
import type { Event } from 'kubernetes-types/core/v1.js';
import type { Event as SeriesEvent } from 'kubernetes-types/events/v1.js';
import { ageOf, humanDuration } from './duration.ts';
import { column, nameColumn, nameOf, type Printer, printer, wide } from './printer.ts';

const columns = [
  column('Last Seen', 'Time since it last happened'),
  column('Type', 'Normal or Warning'),
  column('Reason', 'Why, in one word'),
  column('Object', 'What it happened to'),
  wide('Subobject', 'Part of the object it happened to'),
  wide('Source', 'Who reported it'),
  column('Message', 'What happened'),
  wide('First Seen', 'Time since it first happened'),
  wide('Count', 'How often it happened'),
  { ...nameColumn, priority: 1 },
];

/** Both forms with the names of the old one. */
interface Common {
  involvedObject?: { kind?: string; name?: string; fieldPath?: string } | undefined;
  component: string;
  host: string;
  message: string;
  first: string | undefined;
  last: string | undefined;
  count: number;
  series?: { count?: number; lastObservedTime?: unknown } | undefined;
  eventTime: string | undefined;
}

const time = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function rowOf(object: Event | SeriesEvent, common: Common, now: number) {
  const seen = common.first ?? common.eventTime;
  const first = ageOf(seen, now);
  const lastTime = time(common.series?.lastObservedTime) ?? common.last;
  const last = lastTime === undefined ? first : humanDuration(now - Date.parse(lastTime));
  return [
    last,
    object.type ?? '',
    object.reason ?? '',
    `${(common.involvedObject?.kind ?? '').toLowerCase()}/${common.involvedObject?.name ?? ''}`,
    common.involvedObject?.fieldPath ?? '',
    [common.component, common.host].filter((part) => part !== '').join(', '),
    common.message.trim(),
    first,
    common.series?.count ?? (common.count > 0 ? common.count : 1),
    nameOf(object),
  ];
}

const event = printer<Event>(columns, (object, now) =>
  rowOf(
    object,
    {
      involvedObject: object.involvedObject,
      component: object.source?.component ?? object.reportingComponent ?? '',
      host: object.source?.host ?? object.reportingInstance ?? '',
      message: object.message ?? '',
      first: time(object.firstTimestamp),
      last: time(object.lastTimestamp),
      count: object.count ?? 0,
      series: object.series,
      eventTime: time(object.eventTime),
    },
    now,
  ),
);

const seriesEvent = printer<SeriesEvent>(columns, (object, now) =>
  rowOf(
    object,
    {
      involvedObject: object.regarding,
      component: object.deprecatedSource?.component ?? object.reportingController ?? '',
      host: object.deprecatedSource?.host ?? object.reportingInstance ?? '',
      message: object.note ?? '',
      first: time(object.deprecatedFirstTimestamp),
      last: time(object.deprecatedLastTimestamp),
      count: object.deprecatedCount ?? 0,
      series: object.series,
      eventTime: time(object.eventTime),
    },
    now,
  ),
);

export const eventPrinters: Readonly<Record<string, Printer>> = {
  '/Event': event,
  'events.k8s.io/Event': seriesEvent,
};
