// Hostnames of listeners and of routes: what they have in common, and which of two says more.
// Pure text; `*` stands for every host, `*.suffix` for one label or more in front of the suffix.

export const EVERY_HOST = '*';

/** Whether all that `host` (exact, wildcard or `*`) stands for is among what `pattern` stands for. */
export function coversHost(pattern: string, host: string): boolean {
  if (pattern === EVERY_HOST || pattern === host) return true;
  // `*.a.example` is within `*.example`: its suffix ends in the other's.
  return (
    pattern.startsWith('*.') &&
    host !== EVERY_HOST &&
    host.slice(host.startsWith('*.') ? 1 : 0).endsWith(pattern.slice(1)) &&
    host.length > pattern.length - 1
  );
}

/** What a listener and a route have in common; empty when nothing. A route without hostnames takes the listener's. */
export function commonHosts(listener: string | undefined, route: readonly string[]): readonly string[] {
  const own = hostOf(listener);
  if (route.length === 0) return [own];
  const common = new Set<string>();
  for (const text of route) {
    const host = text.toLowerCase();
    if (coversHost(own, host)) common.add(host);
    else if (coversHost(host, own)) common.add(own);
  }
  return [...common];
}

export function hostOf(listener: string | undefined): string {
  return listener === undefined || listener === '' ? EVERY_HOST : listener.toLowerCase();
}

/**
 * Whether a route's hostname on one listener is another listener's to serve: that other one is more specific than the
 * first and stands for all of the hostname. Requests go to the most specific listener only (listener isolation).
 */
export function belongsElsewhere(host: string, listener: string, others: Hostnames): boolean {
  // One without a wildcard stands for nothing that another could be more specific about.
  if (!listener.startsWith('*')) return false;
  return coveringHosts(host).some((other) => other !== listener && others.has(other) && coversHost(listener, other));
}

/** Hostnames that are looked for, not gone through: a port may have thousands. */
export type Hostnames = Pick<ReadonlySet<string>, 'has'>;

/** The hostname and the wildcards that stand for all of it, `*` left out, from the most specific one on. */
export function coveringHosts(host: string): readonly string[] {
  const covering = [host];
  for (let dot = host.indexOf('.', host.startsWith('*.') ? 2 : 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
    covering.push(`*${host.slice(dot)}`);
  }
  return covering;
}
