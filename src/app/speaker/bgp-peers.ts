// BGPPeer and BFDProfile, as MetalLB's users have them, as peers of the BGP speaker.
// Pure; what cannot be had is said, with the field, and costs that peer only. Upstream: internal/config of metallb.io.
import type { BFDProfile, BGPPeer } from '#kube/api/load-balancer/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { type Labels, labelSelectorQuery } from '#kube/api/selector.ts';
import { type PeerConfig, peerProblems } from '#traffic/announce/bgp/config.ts';
import type { PrivateText } from '#traffic/model/ir-base.ts';

export interface PeerProblem {
  /** Of the BGPPeer. */
  readonly key: string;
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
}

type Spec = NonNullable<BGPPeer['spec']>;

/** Seconds that a router keeps the routes of a speaker that starts anew. */
const RESTART_SEC = 120;

export function readPeers({ peers, profiles, labels, passwords }: PeersGiven): PeersRead {
  const problems: PeerProblem[] = [];
  const read: PeerConfig[] = [];
  const routerIds = new Set<string>();
  let localAs: number | undefined;
  const here = peers.filter((peer) => selects(peer, labels));
  for (const peer of here.sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1))) {
    const key = objectKey(peer);
    const config = configOf(peer, profiles, passwords.get(key));
    const wrong = Array.isArray(config) ? config : peerProblems(config);
    problems.push(...wrong.map((message) => ({ key, message })));
    if (wrong.length > 0 || Array.isArray(config)) continue;
    if (read.some(({ name }) => name === config.name)) {
      problems.push({ key, message: `Another BGPPeer has the name "${config.name}": rename one of them` });
      continue;
    }
    read.push(config);
    localAs ??= peer.spec?.myASN;
    if (peer.spec?.routerID !== undefined) routerIds.add(peer.spec.routerID);
  }
  if (routerIds.size > 1) {
    const message = `spec.routerID differs between peers (${[...routerIds].join(', ')}), and a speaker has one: give all the same, or none`;
    problems.push({ key: objectKey(here[0] ?? {}), message });
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

function configOf(
  peer: BGPPeer,
  profiles: readonly BFDProfile[],
  secret: PrivateText | string | undefined,
): PeerConfig | string[] {
  const { spec = {}, metadata } = peer;
  const problems: string[] = [];
  if (spec.peerAddress === undefined || spec.peerAddress === '') {
    problems.push(
      'spec.peerAddress is missing; peers without an address (spec.interface) are not supported, give it one',
    );
  }
  if (spec.vrf !== undefined && spec.vrf !== '') problems.push('spec.vrf is not supported: leave it out');
  const as = spec.peerASN ?? spec.dynamicASN;
  if (as === undefined) problems.push('spec.peerASN is missing: give the number, or dynamicASN');
  const holdTimeSec = seconds(spec.holdTime);
  if (holdTimeSec === null) problems.push(`spec.holdTime is "${spec.holdTime}": use e.g. 90s`);
  if (typeof secret === 'string') problems.push(secret);
  const bfd = bfdOf(peer, profiles);
  if (typeof bfd === 'string') problems.push(bfd);
  if (problems.length > 0) return problems;
  const password = typeof secret === 'object' ? secret : plainPassword(spec);
  return {
    name: metadata?.name ?? '',
    address: spec.peerAddress ?? '',
    as: as ?? 'external',
    ...optional('port', spec.peerPort),
    ...optional('localAs', spec.localASN ?? spec.myASN),
    ...optional('localAddress', spec.sourceAddress === '' ? undefined : spec.sourceAddress),
    ...(spec.ebgpMultiHop === true ? { multihop: true } : {}),
    ...optional('holdTimeSec', holdTimeSec ?? undefined),
    ...(spec.disableMP === true ? { families: [(spec.peerAddress ?? '').includes(':') ? 'ipv6' : 'ipv4'] } : {}),
    restartTimeSec: spec.enableGracefulRestart === true ? RESTART_SEC : false,
    ...optional('password', password),
    ...optional('bfd', typeof bfd === 'object' ? bfd : undefined),
  };
}

function plainPassword({ password = '' }: Spec): PrivateText | undefined {
  return password === '' ? undefined : { value: password, private: true };
}

function bfdOf({ metadata, spec }: BGPPeer, profiles: readonly BFDProfile[]): PeerConfig['bfd'] | string {
  const name = spec?.bfdProfile ?? '';
  if (name === '') return undefined;
  const profile = profiles.find(
    (one) => one.metadata?.name === name && one.metadata?.namespace === metadata?.namespace,
  )?.spec;
  if (profile === undefined) return `spec.bfdProfile names "${name}", which is not there: create that BFDProfile`;
  return {
    ...optional('transmitMs', profile.transmitInterval),
    ...optional('receiveMs', profile.receiveInterval),
    ...optional('multiplier', profile.detectMultiplier),
  };
}

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

/** Of a Go duration, rounded; null for what is none. */
function seconds(text: string | undefined): number | undefined | null {
  if (text === undefined || text === '') return undefined;
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return null;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g);
  return Math.round([...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0));
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in K]: V });
}
