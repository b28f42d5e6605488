// Listeners of one port whose TLS may be taken for each other's: a client that has a connection for one hostname may use it
// for another that the same certificate, or the same pattern, stands for. Knows no route; costs the same for each listener.
import { coveringHosts, EVERY_HOST } from './hostnames.ts';
import type { ListenerView } from './listener-view.ts';

/** Says of each listener which other one it overlaps with: of those that stand for more, the nearest; else the first. */
export function markOverlaps(listeners: readonly ListenerView[]): void {
  const sound = listeners.filter(
    ({ spec, acceptFault, conflict }) =>
      spec.protocol === 'HTTPS' && acceptFault === undefined && conflict === undefined,
  );
  const ports = Map.groupBy(sound, ({ spec }) => spec.port);
  for (const own of ports.values()) {
    const byHost = new Map(own.map((listener) => [listener.hostname, listener]));
    for (const listener of own) {
      const wider = [...coveringHosts(listener.hostname), EVERY_HOST]
        .filter((host) => host !== listener.hostname)
        .flatMap((host) => byHost.get(host) ?? []);
      const [nearest] = wider;
      if (nearest !== undefined) listener.overlap = named(nearest);
      for (const other of wider) other.overlap ??= named(listener);
    }
  }
}

/** What a listener is told; undefined when no other one overlaps. */
export function overlapMessage({ hostname, overlap }: ListenerView): string | undefined {
  if (overlap === undefined) return undefined;
  const quoted = (host: string): string => (host === EVERY_HOST ? 'every hostname' : `hostname "${host}"`);
  return `${sentence(quoted(hostname))} overlaps with ${quoted(overlap.hostname)} of listener "${overlap.name}": a request over a connection that was made for the other one is answered with 421, so that clients connect anew`;
}

function named({ spec, hostname }: ListenerView): NonNullable<ListenerView['overlap']> {
  return { name: spec.name, hostname };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
