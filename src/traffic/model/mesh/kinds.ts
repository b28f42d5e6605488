// Routes of different kinds at one port of a Service: one kind is served, the others are told.
// Knows no rule. Upstream: GEP-1294, "Route types"; the order is the specification's.
import type { RouteKindName } from '../gateway/objects.ts';
import type { FrontPort, MeshOutcome } from './attach.ts';
import { frontName, hostsName } from './names.ts';

/** First wins. */
const ORDER: readonly RouteKindName[] = ['GRPCRoute', 'HTTPRoute'];

export interface KindClaim {
  readonly kind: RouteKindName;
  readonly key: string;
  readonly outcomes: readonly MeshOutcome[];
}

export function hostsOf({ service, port, group }: FrontPort): string {
  return hostsName(frontName(service, port), group);
}

/** What of the attachments of each stands beside those of the others; `claims` are in order of age. */
export function settleKinds<Claim extends KindClaim>(claims: readonly Claim[]): readonly Claim[] {
  const winners = new Map<string, KindClaim>();
  for (const claim of claims) {
    for (const hosts of claim.outcomes.flatMap(({ attached }) => attached.map(hostsOf))) {
      const known = winners.get(hosts);
      if (known === undefined || ORDER.indexOf(claim.kind) < ORDER.indexOf(known.kind)) winners.set(hosts, claim);
    }
  }
  return claims.map((claim) => ({
    ...claim,
    outcomes: claim.outcomes.map((outcome) => {
      const kept = outcome.attached.filter((one) => winners.get(hostsOf(one))?.kind === claim.kind);
      const [lost] = outcome.attached.filter((one) => !kept.includes(one));
      const winner = lost === undefined ? undefined : winners.get(hostsOf(lost));
      if (kept.length > 0 || winner === undefined) return { ...outcome, attached: kept };
      const message = `A port of a Service has one kind of route, and there is ${winner.kind} "${winner.key}", which goes before: attach one of them to another port`;
      return { ...outcome, attached: [], fault: { reason: 'Conflicted', message } };
    }),
  }));
}
