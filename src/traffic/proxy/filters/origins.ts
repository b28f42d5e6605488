// Which origins a CORS policy names: exactly, by a wildcard for host labels, or all.
// Knows nothing of requests; an origin is text as a browser sends it.

export type OriginTest = (origin: string) => boolean;

const ownPort: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * A port that is its scheme's own counts as none. `https://*.example.com` takes any number of labels in place of `*`,
 * at least one, and not `https://example.com`; `https://*` takes every host on that scheme and port.
 */
export function originTest(allowed: readonly string[]): OriginTest {
  if (allowed.includes('*')) return () => true;
  const exact = new Set<string>();
  const wild: { readonly before: string; readonly after: string }[] = [];
  for (const entry of allowed) {
    const origin = normalOrigin(entry);
    const star = origin.indexOf('*');
    if (star < 0) exact.add(origin);
    else wild.push({ before: origin.slice(0, star), after: origin.slice(star + 1) });
  }
  return (sent) => {
    const origin = normalOrigin(sent);
    if (exact.has(origin)) return true;
    return wild.some(({ before, after }) => {
      if (!origin.startsWith(before) || !origin.endsWith(after)) return false;
      const labels = origin.slice(before.length, origin.length - after.length);
      // Host characters only: nothing that could carry a port, a path or a second host past the wildcard.
      return origin.length > before.length + after.length && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(labels);
    });
  };
}

function normalOrigin(origin: string): string {
  const lower = origin.toLowerCase();
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*?):([0-9]+)$/.exec(lower);
  if (match === null || ownPort[match[1] as string] !== match[3]) return lower;
  return `${match[1]}://${match[2]}`;
}
