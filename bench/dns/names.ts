// The cluster whose names are asked for, and the questions: the same for every contestant.
// Names come from Service objects by the translation that a cluster uses; knows no server.

import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { DnsPart } from '#traffic/model/dns/ir-dns.ts';
import { namespaceNames } from '#traffic/model/dns/pod-dns.ts';
import { serviceNames } from '#traffic/model/dns/service-dns.ts';
import { seeded } from '../lib/statistics.ts';

export const DOMAIN = 'cluster.local';

const NAMESPACES = 20;
/** One Service of so many is headless. */
const HEADLESS = 5;
const ENDPOINTS = 3;

/** Parts of the zone by the object that they come from, as a cluster of `count` Services has them. */
export function zoneParts(count: number): Map<string, DnsPart> {
  const parts = new Map<string, DnsPart>();
  for (let at = 0; at < NAMESPACES; at++) {
    parts.set(`namespace/${at}`, namespaceNames({ metadata: { name: `team-${at}` } }, DOMAIN));
  }
  for (let at = 0; at < count; at++) parts.set(`service/${at}`, serviceNames(service(at), [slice(at)], DOMAIN));
  return parts;
}

const octets = (at: number): string => `${(at >> 8) & 255}.${at & 255}`;

function service(at: number): Service {
  const own = { ipFamilies: ['IPv4', 'IPv6'], clusterIPs: [`10.96.${octets(at)}`, `fd00:10:96::${at.toString(16)}`] };
  return {
    metadata: { name: `service-${at}`, namespace: `team-${at % NAMESPACES}` },
    spec: {
      ...(at % HEADLESS === 0 ? { clusterIP: 'None', clusterIPs: ['None'] } : own),
      ports: [{ name: 'http', port: 80 }],
    },
  };
}

function slice(at: number): EndpointSlice {
  return {
    metadata: {},
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: ENDPOINTS }, (_, pod) => ({
      addresses: [`10.244.${octets(at * ENDPOINTS + pod)}`],
      conditions: { ready: true },
      ...(at % HEADLESS === 0 ? { hostname: `pod-${pod}` } : {}),
    })),
  };
}

/**
 * A line a question, as dnsperf reads them. Of ten: five addresses of IPv4 and two of IPv6, one SRV, and two names
 * that there are not, as they come from the search path of a pod that looks for a name of the world.
 */
export function questions(services: number, count: number): string {
  const random = seeded(7);
  const lines = Array.from({ length: count }, (_, at) => {
    const chosen = Math.floor(random() * services);
    const name = `service-${chosen}.team-${chosen % NAMESPACES}.svc.${DOMAIN}`;
    const kind = at % 10;
    if (kind < 5) return `${name} A`;
    if (kind < 7) return `${name} AAAA`;
    if (kind < 8) return `_http._tcp.${name} SRV`;
    return `www.example-${chosen}.com.team-${chosen % NAMESPACES}.svc.${DOMAIN} A`;
  });
  return `${lines.join('\n')}\n`;
}

/** The domain as lines of a zone file (RFC 1035, 5), without its SOA and its name server. */
export function zoneLines(parts: ReadonlyMap<string, DnsPart>): string[] {
  const lines: string[] = [];
  for (const part of parts.values()) {
    for (const [owner, records] of part) {
      if (!owner.endsWith(`.${DOMAIN}`)) continue;
      for (const record of records) {
        const data =
          record.type === 'SRV'
            ? `${record.priority} ${record.weight} ${record.port} ${record.target}.`
            : 'address' in record
              ? record.address
              : `${record.target}.`;
        lines.push(`${owner}. 5 IN ${record.type} ${data}`);
      }
    }
  }
  return lines;
}
