// How FlowSchemas and PriorityLevelConfigurations are printed.
// Knows columns and cells only.
import type { FlowSchema, PriorityLevelConfiguration } from 'kubernetes-types/flowcontrol/v1.js';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer } from './printer.ts';

const NONE = '<none>';

const schema = printer<FlowSchema>(
  [
    nameColumn,
    column('PriorityLevel', 'Level that its requests are served at'),
    column('MatchingPrecedence', 'The smallest that matches a request decides', { type: 'integer' }),
    column('DistinguisherMethod', 'What tells its flows apart'),
    ageColumn,
    column('MissingPL', 'Whether the level is missing'),
  ],
  (object, now) => {
    const { spec, status } = object;
    const dangling = status?.conditions?.find(({ type }) => type === 'Dangling')?.status;
    return [
      nameOf(object),
      spec?.priorityLevelConfiguration?.name ?? '',
      spec?.matchingPrecedence ?? 0,
      spec?.distinguisherMethod?.type ?? NONE,
      objectAge(object, now),
      dangling ?? '?',
    ];
  },
);

const level = printer<PriorityLevelConfiguration>(
  [
    nameColumn,
    column('Type', 'Whether it limits anybody'),
    column('NominalConcurrencyShares', 'Its share of the requests that are served at once'),
    column('Queues', 'How many queues it has'),
    column('HandSize', 'How many of them a flow may use'),
    column('QueueLengthLimit', 'How many requests wait in one'),
    ageColumn,
  ],
  (object, now) => {
    const { type = '', limited, exempt } = object.spec ?? {};
    const queuing = limited?.limitResponse?.queuing;
    const text = (value: number | undefined): string => (value === undefined ? NONE : String(value));
    return [
      nameOf(object),
      type,
      text((limited ?? exempt)?.nominalConcurrencyShares),
      text(queuing?.queues),
      text(queuing?.handSize),
      text(queuing?.queueLengthLimit),
      objectAge(object, now),
    ];
  },
);

export const flowControlPrinters: Readonly<Record<string, Printer>> = {
  'flowcontrol.apiserver.k8s.io/FlowSchema': schema,
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': level,
};
