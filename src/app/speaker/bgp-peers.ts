// BGPPeer and BFDProfile, as MetalLB's users have them, as peers of the BGP speaker.
// Pure; what cannot be had is said, with the field, and costs that peer only. Upstream: internal/config of metallb.io.
import type { BFDProfile, BGPPeer } from '#kube/api/load-balancer/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { type Labels, labelSelectorQuery } from '#kube/api/selector.ts';
import { type PeerConfig, peerProblems } from '#traffic/announce/bgp/config.ts';
import { addressKey } from '#traffic/announce/bgp/wire/family.ts';
import type { PrivateText } from '#traffic/model/ir-base.ts';
import { peerConfig, withoutEffect } from './peer-config.ts';

/** `PeerRefused`: there is no session. `FieldWithoutEffect`: there is one, without what the field asks for. */
export type PeerProblemReason = 'FieldWithoutEffect' | 'PeerRefused';

export interface PeerProblem {
  /** Of the BGPPeer. */
  readonly key: string;
  readonly reason: PeerProblemReason;
  readonly message: string;
}

export interface PeersRead {
  readonly peers: readonly PeerConfig[];
  /** Ours towards most: that of the first peer. Undefined without any. */
  readonly localAs: number | undefined;
  /** What the peers ask for, when they all ask for the same. */
  readonly routerId: string | undefined;
  readonly problems: readonly PeerProblem[];
}

export interface PeersGiven {
  readonly peers: readonly BGPPeer[];
  readonly profiles: readonly BFDProfile[];
  readonly labels: Labels;
  /** By the key of the BGPPeer that names a Secret: its password, or why there is none. */
  readonly passwords: ReadonlyMap<string, PrivateText | string>;
  /** Why the kernel cannot be asked for signed connections and VRFs, as a clause; undefined where it can. */
  readonly obstacle: string | undefined;
}

export function readPeers({ peers, profiles, labels, passwords, obstacle }: PeersGiven): PeersRead {
  const problems: PeerProblem[] = [];
  const read: PeerConfig[] = [];
  const routerIds = new Set<string>();
  let localAs: number | undefined;
  const here = peers.filter((peer) => selects(peer, labels));
  for (const peer of here.sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1))) {
    const key = objectKey(peer);
    const tell = (reason: PeerProblemReason, messages: readonly string[]): void => {
      problems.push(...messages.map((message) => ({ key, reason, message })));
    };
    const config = peerConfig({ peer, profiles, secret: passwords.get(key), obstacle });
    const wrong = Array.isArray(config) ? config : [...peerProblems(config), ...clashes(config, read)];
    tell('PeerRefused', wrong);
    if (wrong.length > 0 || Array.isArray(config)) continue;
    tell('FieldWithoutEffect', withoutEffect(peer, profiles));
    read.push(config);
    localAs ??= peer.spec?.myASN;
    if (peer.spec?.routerID !== undefined && peer.spec.routerID !== '') routerIds.add(peer.spec.routerID);
  }
  if (routerIds.size > 1) {
    const message = `spec.routerID differs between peers (${[...routerIds].join(', ')}), and a speaker has one: give all the same, or none`;
    problems.push({ key: objectKey(here[0] ?? {}), reason: 'FieldWithoutEffect', message });
  }
  return { peers: read, localAs, routerId: routerIds.size === 1 ? [...routerIds][0] : undefined, problems };
}

/** Which Secret holds the password of a peer. */
export function passwordSecretOf(peer: BGPPeer): { readonly namespace: string; readonly name: string } | undefined {
  const { name = '', namespace = peer.metadata?.namespace ?? 'default' } = peer.spec?.passwordSecret ?? {};
  return name === '' ? undefined : { namespace, name };
}

function selects({ spec }: BGPPeer, labels: Labels): boolean {
  const selectors = spec?.nodeSelectors ?? [];
  if (selectors.length === 0) return true;
  return selectors.some((selector) => {
    try {
      return labelSelectorQuery(selector).matches(labels);
    } catch {
      // Told of where announcements are worked out.
      return false;
    }
  });
}

/** One session cannot be two: the peer that was read first has it. */
function clashes({ name, address, device }: PeerConfig, read: readonly PeerConfig[]): string[] {
  if (read.some((other) => other.name === name)) return [`Another BGPPeer has the name "${name}": rename one of them`];
  const same = read.find((other) => addressKey(other.address) === addressKey(address) && other.device === device);
  if (same === undefined) return [];
  return [`spec.peerAddress ${address} is that of BGPPeer "${same.name}" too, and one session is enough: delete one`];
}
