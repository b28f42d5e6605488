// Which fronts of a Service port this driver serves itself, and whose outcome it leaves to the driver beneath.
// Pure. What a socket cannot know or do (who it will come from, silence, another source) is left beneath.
import type { EndpointSetName, Front, PortRules } from '#traffic/snapshot/rules/rule-model.ts';
import { outcomeOf } from '#traffic/snapshot/rules/rule-model.ts';

export interface Served {
  readonly to: EndpointSetName;
  /** Only sockets that let the kernel choose their source: others would keep an address that should be replaced. */
  readonly unboundOnly: boolean;
}

export type Way = 'pass' | 'refuse' | Served;

export interface FrontWays {
  readonly pod: Way;
  readonly node: Way;
}

/** `pass` for both means that the front need not be known at all. */
export function waysOf(rules: PortRules, front: Front): FrontWays {
  // Sockets of SCTP are not asked about; source ranges are about an address that is not chosen yet.
  if (rules.protocol === 'SCTP' || front.allowedSources !== undefined) return { pod: 'pass', node: 'pass' };
  const pod = leadsAlike(rules, front) ? wayOf(rules, front, 'pod') : 'pass';
  return { pod, node: wayOf(rules, front, 'node') };
}

/** Whether it is the same for those whose address counts as a pod's: a socket in another namespace may not have one. */
function leadsAlike(rules: PortRules, front: Front): boolean {
  const [pod, other] = [outcomeOf(rules, front, 'pod'), outcomeOf(rules, front, 'other')];
  return pod.type === 'forward' && other.type === 'forward' ? pod.to === other.to : pod.type === other.type;
}

function wayOf(rules: PortRules, front: Front, source: 'pod' | 'node'): Way {
  const outcome = outcomeOf(rules, front, source);
  if (outcome.type === 'reject') return 'refuse';
  // A socket call cannot be left without an answer; a packet can.
  if (outcome.type === 'drop') return 'pass';
  // The hash is of the client's address, which a socket has only once it is connected.
  if (rules.pick === 'source_hash') return 'pass';
  // The node's own sockets get its address anyway, that of the way to the endpoint; a pod's would keep its own.
  if (outcome.masquerade && source === 'pod') return 'pass';
  return { to: outcome.to, unboundOnly: outcome.masquerade };
}
