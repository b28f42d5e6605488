// Two answers as data that is equal when they say the same: names in any spelling, records in any order.
// Knows messages alone.
import type { Message, ResourceRecord } from '../wire/message.ts';
import { lowerName } from '../wire/name.ts';

export function comparable(message: Message | undefined): unknown {
  if (message === undefined) return undefined;
  const { answers, authorities, additionals, ...rest } = message;
  return { ...rest, answers: sorted(answers), authorities: sorted(authorities), additionals: sorted(additionals) };
}

function sorted(records: readonly ResourceRecord[]): string[] {
  return records.map(({ name, data, ...rest }) => JSON.stringify([lowerName(name), data.toString('hex'), rest])).sort();
}
