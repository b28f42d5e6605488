// What can be said of flags of nodes before anything is started, each with its flag and what helps.
// Knows forms, and directories that have to be there; makes nothing.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { labelValueText } from '#kube/api/validation/names.ts';
import { loadNetworkList } from '#kube/kubelet/network/cni/config-dir.ts';
import type { CniOptions } from '#kube/kubelet/network/create-network.ts';
import { isOwner } from '#kube/kubelet/network/netns/names.ts';
import { canonicalCidr, familyOf } from '#lib/ip.ts';
import { messageOf, UsageFailure } from '../failure.ts';

/** Both or none; directories that are there. What is in them may still come. */
export function cniOf(confDir: string | undefined, binDirs: readonly string[] | undefined): CniOptions | undefined {
  if (confDir === undefined && binDirs === undefined) return undefined;
  if (confDir === undefined || binDirs === undefined) {
    throw new UsageFailure('Only one of --cni-conf and --cni-bin is given', 'Give both, or none');
  }
  checkDirectory('--cni-conf', confDir, 'the directory of network configurations, e.g. /etc/cni/net.d');
  for (const dir of binDirs) checkDirectory('--cni-bin', dir, 'a directory of CNI plugins, e.g. /opt/cni/bin');
  // Whoever cleans up after them may be called from another place.
  return { confDir: resolve(confDir), binDirs: binDirs.map((dir) => resolve(dir)) };
}

/** For nodes that are waited for: without a network nothing ever runs on them. */
export function checkCniList({ confDir }: CniOptions): void {
  try {
    loadNetworkList(confDir);
  } catch (error) {
    throw new UsageFailure(
      `--cni-conf "${confDir}": ${messageOf(error)}`,
      'Put a CNI network configuration there first',
    );
  }
}

function checkDirectory(flag: string, path: string, what: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  throw new UsageFailure(
    `${flag} "${path}" ${found === undefined ? 'is not there' : 'is no directory'}`,
    `Name with ${flag} ${what}`,
  );
}

/** Each is a range of addresses; `example` shows how one is written. */
export function checkRanges(flag: string, given: readonly string[], example: string): void {
  const wrong = given.find((range) => canonicalCidr(range) === undefined);
  if (wrong !== undefined) throw new UsageFailure(`${flag} "${wrong}" is no range`, `Give ${flag} e.g. ${example}`);
}

/** Pods are told by ranges only where there are some. */
export function checkLocalMode(mode: string, clusterCidr: readonly string[]): void {
  if (mode !== 'ClusterCIDR' || clusterCidr.length > 0) return;
  throw new UsageFailure(
    '--detect-local-mode ClusterCIDR has no addresses to tell pods by',
    'Give them with --cluster-cidr, e.g. 10.244.0.0/16',
  );
}

/** Whose namespaces and links they are on this machine. */
export function networkOwner(owner: string): string {
  if (isOwner(owner)) return owner;
  throw new UsageFailure(
    `--network-owner "${owner}" cannot begin names of namespaces and links`,
    'Give up to 40 lower-case letters, digits and dashes with --network-owner, e.g. node-a, or leave it out',
  );
}

/** Zones are values of labels. */
export function zoneNames(zones: readonly string[]): readonly string[] {
  const wrong = zones.find((zone) => labelValueText(zone).length > 0);
  if (wrong === undefined) return zones;
  throw new UsageFailure(
    `Zone "${wrong}" of --zones is no value of a label`,
    'Give --zones names of up to 63 letters, digits, ".", "_" and "-" that begin and end with a letter or digit, e.g. a,b',
  );
}

/** Upstream's kubelet refuses them too. */
const NOT_OF_A_NODE = ['unspecified', 'multicast', 'broadcast', 'linkLocal'];

/** What others reach the node at: at most one a family. */
export function nodeIps(addresses: readonly string[]): readonly string[] {
  for (const address of addresses) {
    const kind = ipaddr.parse(address).range();
    if (NOT_OF_A_NODE.includes(kind)) {
      throw new UsageFailure(
        `--node-ip ${address} is no address that others reach a node at`,
        'Give --node-ip an address of this machine, or leave it out',
      );
    }
  }
  return onePerFamily('--node-ip', addresses);
}

export function podCidrs(ranges: readonly string[]): readonly string[] {
  const wrong = ranges.find((range) => !range.includes('/') || familyOf(range) === undefined);
  if (wrong !== undefined) {
    throw new UsageFailure(`--pod-cidr "${wrong}" is no range of addresses`, 'Give --pod-cidr e.g. 10.244.1.0/24');
  }
  return onePerFamily('--pod-cidr', ranges);
}

function onePerFamily(flag: string, values: readonly string[]): readonly string[] {
  const families = values.map(familyOf);
  if (new Set(families).size === values.length) return values;
  throw new UsageFailure(
    `${flag} ${values.join(',')} has two of one family`,
    `Give ${flag} one of IPv4, one of IPv6, or both`,
  );
}
