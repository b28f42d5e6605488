// What the two OPEN messages of a session come to: is the peer who it should be, and what do both sides know.
// Pure.
import { AS_TRANS, MAX_TWO_OCTET_AS } from '../wire/as-path.ts';
import { uint } from '../wire/bytes.ts';
import { FAMILIES, type Family } from '../wire/family.ts';
import { type Fault, OPEN } from '../wire/fault.ts';
import type { Capability, OpenMessage } from '../wire/message.ts';

const VERSION = 4;

export interface OwnSide {
  readonly localAs: number;
  readonly remoteAs: number | 'internal' | 'external';
  readonly routerId: string;
  /** Seconds. */
  readonly holdTime: number;
  /** Most seconds between two signs of life; undefined for a third of what is agreed on. */
  readonly keepalive?: number;
  readonly families: readonly Family[];
  /** Seconds; undefined without graceful restart. */
  readonly restartTime?: number;
  /** This process has not had a session with the peer: one before it may have. */
  readonly restarted: boolean;
  /** The peer knows no optional parameters. */
  readonly plain: boolean;
}

export interface Agreement {
  readonly remoteAs: number;
  /** Seconds; 0 for never. */
  readonly holdTime: number;
  readonly routerId: string;
  readonly families: ReadonlySet<Family>;
  readonly fourOctetAs: boolean;
  /** The peer has said that it knows graceful restart: it waits for the end of our routes. */
  readonly knowsRestart: boolean;
  /** What the peer keeps of ours while we are away. */
  readonly keptFor: ReadonlySet<Family>;
}

export function ownOpen(own: OwnSide): OpenMessage {
  const capabilities: Capability[] = [
    ...own.families.map((family) => ({ kind: 'multiprotocol', family }) as const),
    { kind: 'route_refresh' },
    { kind: 'four_octet_as', as: own.localAs },
  ];
  if (own.restartTime !== undefined) {
    // Packets find their way by the kernel, whether this process is there or not: forwarding always goes on.
    const families = own.families.map((family) => ({ family, forwarding: true }));
    capabilities.push({ kind: 'graceful_restart', restarted: own.restarted, restartTime: own.restartTime, families });
  }
  return {
    type: 'open',
    version: VERSION,
    as: own.localAs > MAX_TWO_OCTET_AS ? AS_TRANS : own.localAs,
    holdTime: own.holdTime,
    routerId: own.routerId,
    capabilities: own.plain ? [] : capabilities,
  };
}

/** What is wrong with the peer's OPEN, or what both sides go by from now on. */
export function negotiate(own: OwnSide, open: OpenMessage): Fault | Agreement {
  const fault = (subcode: number, words: string, data: Buffer = Buffer.alloc(0)): Fault => ({
    code: OPEN.code,
    subcode,
    data,
    words,
  });
  if (open.version !== VERSION) {
    return fault(OPEN.badVersion, `The peer speaks BGP ${open.version}, not ${VERSION}`, uint(VERSION, 2));
  }
  const find = <K extends Capability['kind']>(kind: K): Extract<Capability, { kind: K }> | undefined =>
    open.capabilities.find((capability): capability is Extract<Capability, { kind: K }> => capability.kind === kind);
  const fourOctet = find('four_octet_as');
  const as = fourOctet?.as ?? open.as;
  const wrong = wrongAs(own, as);
  if (wrong !== undefined) return fault(OPEN.badPeerAs, `The peer is AS ${as}, not ${wrong}`);
  if (open.holdTime === 1 || open.holdTime === 2) {
    return fault(OPEN.badHoldTime, `The peer wants a hold time of ${open.holdTime} s, below the least of 3`);
  }
  // Across ASes the same identifier is none of our business (RFC 6286).
  if (open.routerId === '0.0.0.0' || (own.localAs === as && open.routerId === own.routerId)) {
    return fault(
      OPEN.badIdentifier,
      `The peer has the router ID ${open.routerId}: it must be its own, and not 0.0.0.0`,
    );
  }
  const offered = open.capabilities.flatMap((capability) =>
    capability.kind === 'multiprotocol' ? [capability.family] : [],
  );
  // Who says nothing of families means IPv4; so do we when we may say nothing.
  const theirs = own.plain || !open.capabilities.some(ofFamilies) ? ['ipv4'] : offered;
  const restart = own.restartTime === undefined ? undefined : find('graceful_restart');
  const families = new Set(FAMILIES.filter((family) => own.families.includes(family) && theirs.includes(family)));
  return {
    remoteAs: as,
    holdTime: Math.min(own.holdTime, open.holdTime),
    routerId: open.routerId,
    families,
    fourOctetAs: fourOctet !== undefined && !own.plain,
    knowsRestart: restart !== undefined,
    keptFor: restart === undefined ? new Set() : families,
  };
}

/** What the AS of the peer should have been, undefined when it is good. 0 is nobody's (RFC 7607). */
function wrongAs({ localAs, remoteAs }: OwnSide, as: number): string | undefined {
  if (remoteAs === 'external') return as === 0 || as === localAs ? `one other than ours, ${localAs}` : undefined;
  const wanted = remoteAs === 'internal' ? localAs : remoteAs;
  return as === wanted ? undefined : String(wanted);
}

/** Also of families that are none of ours: whoever names VPN routes alone does not carry IPv4. */
function ofFamilies(capability: Capability): boolean {
  return capability.kind === 'multiprotocol' || (capability.kind === 'unknown' && capability.code === 1);
}
