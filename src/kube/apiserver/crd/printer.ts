// Table columns of a custom resource, from its `additionalPrinterColumns`.
// Knows columns and paths; nothing of how a table is sent.
import { humanDuration } from '#kube/api/table/duration.ts';
import {
  type Cell,
  type Column,
  column,
  nameColumn,
  nameOf,
  objectAge,
  type Printer,
} from '#kube/api/table/printer.ts';
import { digArray, digNumber, digString } from '../registry/any-object.ts';
import { findAll, parseJsonPath } from './json-path.ts';

interface CustomColumn {
  readonly shown: Column;
  read(object: unknown, now: number): Cell;
}

/** Name first, then what the definition asks for; the age when it asks for nothing. */
export function printerOf(version: unknown): Printer {
  const asked = digArray(version, 'additionalPrinterColumns').map(customColumn);
  const columns = asked.length > 0 ? asked : [age];
  return {
    columns: [nameColumn, ...columns.map((each) => each.shown)],
    print: (object, now) => [nameOf(object), ...columns.map((each) => each.read(object, now))],
  };
}

const age: CustomColumn = {
  shown: column('Age', 'Time since the object was created', { type: 'date' }),
  read: (object, now) => objectAge(object as Parameters<typeof objectAge>[0], now),
};

function customColumn(given: unknown): CustomColumn {
  const type = digString(given, 'type') as Column['type'];
  const steps = parseJsonPath(digString(given, 'jsonPath'));
  return {
    shown: column(digString(given, 'name'), digString(given, 'description'), {
      type,
      format: digString(given, 'format'),
      priority: digNumber(given, 'priority') ?? 0,
    }),
    read(object, now) {
      const found = steps === undefined ? [] : findAll(steps, object);
      if (found.length === 0) return null;
      return cell(found.length === 1 ? found[0] : found.map(text).join(','), type, now);
    },
  };
}

/** A value of another type than the column's is left out, as upstream. */
function cell(value: unknown, type: Column['type'], now: number): Cell {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) ? value : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date': {
      const time = Date.parse(String(value));
      return Number.isNaN(time) ? '<invalid>' : humanDuration(now - time);
    }
    default:
      return text(value);
  }
}

const text = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
