// What Gateways became, entry by entry, and what of it has changed since somebody last asked.
// Knows no Gateway; what says the same again stays the same object.
import { jsonEqual } from '#lib/json.ts';
import type { Certificate, Listener, VirtualHost } from '../ir.ts';

export interface TableChanges {
  readonly listeners: Map<string, Listener | undefined>;
  readonly virtualHosts: Map<string, VirtualHost | undefined>;
  readonly certificates: Map<string, Certificate | undefined>;
}

type Entries = { [Table in keyof TableChanges]: Map<string, NonNullable<ReturnType<TableChanges[Table]['get']>>> };

export class GatewayTables {
  readonly now: Entries = { listeners: new Map(), virtualHosts: new Map(), certificates: new Map() };
  #changes = noChanges();

  set<Table extends keyof Entries>(table: Table, name: string, value: ReturnType<Entries[Table]['get']>): void {
    const entries = this.now[table] as Map<string, unknown>;
    if (value === undefined ? !entries.has(name) : jsonEqual(entries.get(name), value)) return;
    if (value === undefined) entries.delete(name);
    else entries.set(name, value);
    (this.#changes[table] as Map<string, unknown>).set(name, value);
  }

  take(): TableChanges {
    const changes = this.#changes;
    this.#changes = noChanges();
    return changes;
  }
}

function noChanges(): TableChanges {
  return { listeners: new Map(), virtualHosts: new Map(), certificates: new Map() };
}
