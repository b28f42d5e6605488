// Communities as advertisements name them, resolved to what is said to peers.
// Pure; knows texts, and nothing of routes. Upstream: internal/bgp/community of metallb.io.
import type { Community } from '#kube/api/load-balancer/types.ts';
import { objectKey } from '#kube/api/object.ts';
import type { AnnounceProblem } from './announcement.ts';

/** Names that mean the same everywhere (RFC 1997, 3765, 7999, 8326). */
const WELL_KNOWN = ['blackhole', 'graceful-shutdown', 'no-advertise', 'no-export', 'no-export-subconfed', 'no-peer'];

/** Undefined when it is none. */
function canonical(text: string): string | undefined {
  if (WELL_KNOWN.includes(text)) return text;
  const large = text.startsWith('large:');
  const parts = (large ? text.slice('large:'.length) : text).split(':');
  const most = large ? 0xffff_ffff : 0xffff;
  if (parts.length !== (large ? 3 : 2)) return undefined;
  if (!parts.every((part) => /^\d{1,10}$/.test(part) && Number(part) <= most)) return undefined;
  return `${large ? 'large:' : ''}${parts.map(Number).join(':')}`;
}

const FORMS = 'write two numbers up to 65535 (65000:1), or large: and three up to 4294967295 (large:1:2:3)';

/** By name. Of two definitions of one name the first by key counts. */
export function readCommunities(objects: readonly Community[], problems: AnnounceProblem[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const object of [...objects].sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1))) {
    for (const [at, { name = '', value = '' }] of (object.spec?.communities ?? []).entries()) {
      const community = canonical(value);
      if (community !== undefined) {
        if (!found.has(name)) found.set(name, community);
        continue;
      }
      const field = `spec.communities[${at}].value`;
      const message = `"${value}" is no community; ${FORMS}`;
      problems.push({ kind: 'Community', key: objectKey(object), reason: 'UnknownCommunity', field, message });
    }
  }
  return found;
}

/** Sorted; or what is wrong with the first that is none. */
export function resolveCommunities(
  texts: readonly string[],
  named: ReadonlyMap<string, string>,
): readonly string[] | { readonly problem: string } {
  const resolved = new Set<string>();
  for (const text of texts) {
    const community = named.get(text) ?? canonical(text);
    if (community === undefined) {
      return {
        problem: `"${text}" is neither a community nor a name that a Community defines; ${FORMS}, or define it`,
      };
    }
    resolved.add(community);
  }
  return [...resolved].sort();
}
