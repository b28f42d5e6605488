// What the gateway says to people: what it serves where, and what a reload changed.
// Knows words only.
import type { Listener } from '#traffic/model/ir.ts';
import type { ListeningAddress } from '#traffic/proxy/engine.ts';
import type { LiveConfig } from './live-config.ts';

interface Addresses {
  address(name: string): ListeningAddress | undefined;
}

/** Lines that say that everything is up. */
export function serving(
  path: string,
  live: LiveConfig,
  engine: Addresses,
  adminUrl: string,
  watched: boolean,
): string[] {
  const model = live.config?.model;
  const listeners = [...(model?.listeners.values() ?? [])];
  const width = Math.max(5, ...listeners.map(({ name }) => name.length));
  const line = (name: string, place: string): string => `${name.padEnd(width)}  ${place}`;
  const endpoints = [...(model?.endpoints.values() ?? [])].reduce((sum, list) => sum + list.length, 0);
  return [
    ...listeners.map((listener) => line(listener.name, placeOf(listener, engine.address(listener.name)))),
    line('admin', `${adminUrl}/`),
    `Serving ${path}: ${count(model?.virtualHosts.size ?? 0, 'virtual host')}, ${count(model?.clusters.size ?? 0, 'cluster')}, ${count(endpoints, 'endpoint')}${watched ? '; changes are taken in as they are saved' : ''}`,
  ];
}

/** `http://127.0.0.1:8080/`, `tcp 127.0.0.1:5432`. */
function placeOf({ protocol, address, port }: Listener, bound: ListeningAddress | undefined): string {
  const host = address === '' || address === '0.0.0.0' || address === '::' ? '*' : address;
  const shown = `${host.includes(':') ? `[${host}]` : host}:${bound?.port ?? port}`;
  return protocol === 'http' || protocol === 'https' ? `${protocol}://${shown}/` : `${protocol} ${shown}`;
}

const PARTS: Readonly<Record<string, string>> = {
  listeners: 'listener',
  certificates: 'certificate',
  virtualHosts: 'virtual host',
  clusters: 'cluster',
  endpoints: 'list of endpoints',
};

export function changed(path: string, changes: Readonly<Record<string, number>>): string {
  const parts = Object.entries(changes).map(([part, size]) => count(size, PARTS[part] ?? part));
  if (parts.length === 0) return `Read ${path} again: nothing to change`;
  return `Read ${path} again: ${parts.join(', ')} changed`;
}

function count(size: number, what: string): string {
  if (size === 1) return `1 ${what}`;
  return `${size} ${what.startsWith('list ') ? what.replace('list', 'lists') : `${what}s`}`;
}
