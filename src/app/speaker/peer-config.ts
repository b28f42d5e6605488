// One BGPPeer as a peer of the speaker, or why it cannot be one; each field is honoured, told to be without effect, or refused.
// Pure. Upstream for names, defaults and what excludes what: api/v1beta2 and internal/config of metallb.io (0.16).
import type { BFDProfile, BGPPeer } from '#kube/api/load-balancer/types.ts';
import type { PeerConfig } from '#traffic/announce/bgp/config.ts';
import { FAMILIES } from '#traffic/announce/bgp/wire/family.ts';
import type { PrivateText } from '#traffic/model/ir-base.ts';

export interface PeerGiven {
  readonly peer: BGPPeer;
  readonly profiles: readonly BFDProfile[];
  /** The password of its Secret, or why there is none; undefined without one. */
  readonly secret: PrivateText | string | undefined;
  readonly obstacle: string | undefined;
}

type Spec = NonNullable<BGPPeer['spec']>;

/** Seconds that a router keeps the routes of a speaker that starts anew. */
const RESTART_SEC = 120;

/** What is wrong where it cannot be had: each names the field and what would do. */
export function peerConfig({ peer, profiles, secret, obstacle }: PeerGiven): PeerConfig | string[] {
  const { spec = {}, metadata } = peer;
  const problems: string[] = [];
  const address = text(spec.peerAddress);
  const device = text(spec.vrf);
  if (text(spec.interface) !== undefined) {
    problems.push(
      `spec.interface is "${spec.interface}": peers without an address are not supported, give spec.peerAddress in its place`,
    );
  } else if (address === undefined) problems.push('spec.peerAddress is missing: give the address of the router');
  const password = passwordOf(spec, secret, problems);
  const needs = [password && 'spec.password', device && 'spec.vrf'].filter((field) => field !== undefined);
  for (const field of obstacle === undefined ? [] : needs) {
    problems.push(`${field} cannot be had on this node because ${obstacle}`);
  }
  const times = timesOf(spec, problems);
  const as = asOf(spec, problems);
  const bfd = bfdOf(peer, profiles);
  if (typeof bfd === 'string') problems.push(bfd);
  if (typeof bfd === 'object' && device !== undefined) {
    problems.push('spec.bfdProfile does not work together with spec.vrf: leave one of the two out');
  }
  if (problems.length > 0 || address === undefined || as === undefined) return problems;
  const own = address.includes(':') ? 'ipv6' : 'ipv4';
  return {
    name: metadata?.name ?? '',
    address,
    as,
    ...optional('port', spec.peerPort === 0 ? undefined : spec.peerPort),
    ...optional('localAs', spec.localASN === 0 ? spec.myASN : (spec.localASN ?? spec.myASN)),
    ...optional('localAddress', text(spec.sourceAddress)),
    ...(spec.ebgpMultiHop === true ? { multihop: true } : {}),
    ...times,
    ...optional('device', device),
    families: spec.dualStackAddressFamily === true ? FAMILIES : [own],
    restartTimeSec: spec.enableGracefulRestart === true ? RESTART_SEC : false,
    ...optional('password', password),
    ...optional('bfd', typeof bfd === 'object' ? bfd : undefined),
  };
}

/** Fields that are there, change nothing, and may be missed. */
export function withoutEffect({ metadata, spec = {} }: BGPPeer, profiles: readonly BFDProfile[]): string[] {
  const told: string[] = [];
  if (spec.disableMP === true && spec.dualStackAddressFamily === true) {
    told.push('spec.disableMP has no effect, as in MetalLB since 0.15: spec.dualStackAddressFamily decides');
  }
  const profile = profileOf(metadata?.namespace, text(spec.bfdProfile), profiles)?.spec ?? {};
  const named = `of BFDProfile "${spec.bfdProfile}"`;
  if (profile.echoMode === true) told.push(`spec.echoMode ${named} has no effect: control packets alone are sent`);
  if (profile.minimumTtl !== undefined && spec.ebgpMultiHop === true) {
    told.push(`spec.minimumTtl ${named} has no effect: packets over several hops are taken with any TTL`);
  }
  return told;
}

function asOf({ peerASN = 0, dynamicASN, myASN }: Spec, problems: string[]): PeerConfig['as'] | undefined {
  if (myASN === undefined || myASN === 0) problems.push('spec.myASN is missing: give the number of our AS');
  if (peerASN !== 0 && dynamicASN !== undefined) {
    problems.push('spec.peerASN and spec.dynamicASN are both given: leave one of them out');
    return undefined;
  }
  if (peerASN === 0 && dynamicASN === undefined) {
    problems.push('spec.peerASN is missing: give the number, or dynamicASN');
  }
  return peerASN === 0 ? dynamicASN : peerASN;
}

function passwordOf(
  { password = '' }: Spec,
  secret: PrivateText | string | undefined,
  problems: string[],
): PrivateText | undefined {
  if (secret !== undefined && password !== '') {
    problems.push('spec.password and spec.passwordSecret are both given: leave one of them out');
  }
  if (typeof secret === 'string') problems.push(secret);
  if (typeof secret === 'object') return secret;
  return password === '' ? undefined : { value: password, private: true };
}

type Times = Pick<PeerConfig, 'connectRetrySec' | 'holdTimeSec' | 'keepaliveSec'>;

function timesOf(spec: Spec, problems: string[]): Times {
  const read = (field: 'connectTime' | 'holdTime' | 'keepaliveTime', example: string): number | undefined => {
    const value = seconds(spec[field]);
    if (value !== null) return value;
    problems.push(`spec.${field} is "${spec[field]}": use e.g. ${example}`);
    return undefined;
  };
  const keepalive = read('keepaliveTime', '30s');
  const given = read('holdTime', '90s');
  const connectRetrySec = read('connectTime', '10s');
  // Whoever says how often signs come has them missed as often as by default.
  const hold = given ?? (keepalive === undefined ? undefined : keepalive * 3);
  const holdTimeSec = hold === undefined ? undefined : Math.floor(hold);
  if (keepalive !== undefined && hold !== undefined && keepalive > hold) {
    problems.push(`spec.keepaliveTime ${spec.keepaliveTime} is longer than spec.holdTime ${spec.holdTime}: shorten it`);
  }
  if (connectRetrySec !== undefined && !Number.isInteger(connectRetrySec)) {
    problems.push(`spec.connectTime is "${spec.connectTime}": use whole seconds`);
  }
  return {
    ...optional('holdTimeSec', holdTimeSec),
    // Without a hold time there are no signs of life at all.
    ...optional('keepaliveSec', keepalive === 0 ? undefined : keepalive),
    ...optional('connectRetrySec', connectRetrySec),
  };
}

function profileOf(
  namespace: string | undefined,
  name: string | undefined,
  profiles: readonly BFDProfile[],
): BFDProfile | undefined {
  return profiles.find(({ metadata }) => metadata?.name === name && metadata?.namespace === namespace);
}

function bfdOf({ metadata, spec }: BGPPeer, profiles: readonly BFDProfile[]): PeerConfig['bfd'] | string {
  const name = text(spec?.bfdProfile);
  if (name === undefined) return undefined;
  const profile = profileOf(metadata?.namespace, name, profiles)?.spec;
  if (profile === undefined) return `spec.bfdProfile names "${name}", which is not there: create that BFDProfile`;
  return {
    ...optional('transmitMs', profile.transmitInterval),
    ...optional('receiveMs', profile.receiveInterval),
    ...optional('multiplier', profile.detectMultiplier),
    ...(profile.passiveMode === true ? { passive: true } : {}),
  };
}

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** Of a Go duration; null for what is none. */
function seconds(given: string | undefined): number | undefined | null {
  if (given === undefined || given === '') return undefined;
  if (given === '0') return 0;
  if (!/^(\d+(\.\d+)?(h|ms|us|µs|ns|m|s))+$/.test(given)) return null;
  const parts = given.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
}

/** MetalLB's objects carry empty texts for what is not given. */
function text(given: string | undefined): string | undefined {
  return given === '' ? undefined : given;
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in K]: V });
}
