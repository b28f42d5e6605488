// The files of /etc that a pod has of its own, written into its directory.
// Knows where the node's own lie; what goes into them is decided in resolv-conf.ts and host-names.ts.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Sandbox } from '../runtime.ts';
import { type HostNames, hostsFile } from './host-names.ts';
import { type ClusterDns, formatResolvConf, parseResolvConf, podDns } from './resolv-conf.ts';

/** Where systemd-resolved keeps the name servers behind its stub, which answers on the node's loopback device only. */
const BEHIND_STUB = '/run/systemd/resolve/resolv.conf';
const STUB = '127.0.0.53';

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function nodeResolvConf(): string {
  const text = readIfThere('/etc/resolv.conf');
  return text.includes(STUB) && existsSync(BEHIND_STUB) ? readIfThere(BEHIND_STUB) : text;
}

export function writeEtcFiles(
  podDir: string,
  pod: Pod,
  ips: readonly string[],
  names: HostNames,
  cluster: ClusterDns,
): NonNullable<Sandbox['etc']> {
  const dir = join(podDir, 'etc');
  mkdirSync(dir, { recursive: true });
  const write = (name: string, text: string): string => {
    const file = join(dir, name);
    writeFileSync(file, text, { mode: 0o644 });
    return file;
  };
  const dns = podDns(pod, cluster, parseResolvConf(nodeResolvConf()));
  return {
    resolvConf: write('resolv.conf', formatResolvConf(dns)),
    hosts: write('hosts', hostsFile(pod, ips, names, readIfThere('/etc/hosts'))),
    hostname: write('hostname', `${names.hostname}\n`),
  };
}
