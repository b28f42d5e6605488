// Where connections and datagrams of layer-4 listeners go: by listener, and by server name where TLS passes through.
// Knows clusters by name only.
import { jsonEqual } from '#lib/json.ts';
import type { Random } from '#traffic/balancer/balancer.ts';
import type { Listener, WeightedCluster } from '#traffic/model/ir.ts';
import { HostTable } from './host-table.ts';
import type { Layer4Route } from './types.ts';
import { WeightedSplit } from './weighted-split.ts';

interface Entry {
  readonly listener: Listener;
  /** Of a `tcp` or `udp` listener. */
  readonly everything: Layer4Route | undefined;
  /** Of a `tls` listener. */
  readonly byName: HostTable<Layer4Route>;
  readonly routes: ReadonlyMap<string, Layer4Route>;
}

export class Layer4Table {
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(entries: ReadonlyMap<string, Entry>) {
    this.#entries = entries;
  }

  static readonly empty: Layer4Table = new Layer4Table(new Map());

  with(changes: ReadonlyMap<string, Listener | undefined>, random: Random): Layer4Table {
    const entries = new Map(this.#entries);
    for (const [name, listener] of changes) {
      if (listener === undefined) entries.delete(name);
      else if (!jsonEqual(entries.get(name)?.listener, listener)) {
        entries.set(name, entryOf(listener, entries.get(name), random));
      }
    }
    return new Layer4Table(entries);
  }

  find(listener: string, serverName: string): Layer4Route | undefined {
    const entry = this.#entries.get(listener);
    return entry?.everything ?? entry?.byName.find(serverName);
  }
}

/** Routes that stay as they were keep their place in a split of traffic. */
function entryOf(listener: Listener, before: Entry | undefined, random: Random): Entry {
  const routes = new Map<string, Layer4Route>();
  const route = (name: string, clusters: readonly WeightedCluster[], terminates: boolean): Layer4Route => {
    const known = before?.routes.get(name);
    const entry =
      known !== undefined && known.terminates === terminates && jsonEqual(known.clusters, clusters)
        ? known
        : layer4Route(name, clusters, terminates, random);
    routes.set(name, entry);
    return entry;
  };
  const everything = listener.clusters === undefined ? undefined : route(listener.name, listener.clusters, false);
  const byName = HostTable.of(
    (listener.passthrough ?? []).flatMap(({ name, hostnames, clusters, terminate = false }) => {
      const entry = route(name, clusters, terminate);
      return hostnames.map((hostname) => [{ hostname, wildcard: 'any-labels' as const }, entry] as const);
    }),
  );
  return { listener, everything, byName, routes };
}

function layer4Route(
  name: string,
  clusters: readonly WeightedCluster[],
  terminates: boolean,
  random: Random,
): Layer4Route {
  const split = new WeightedSplit(clusters, random);
  return Object.freeze({ name, clusters, terminates, pickCluster: () => split.next()?.cluster });
}
