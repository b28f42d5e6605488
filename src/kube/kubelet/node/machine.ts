// What this machine has to offer, as a Node's capacity and system information.
// Reads the machine; knows no API.
import { readFileSync, statfsSync } from 'node:fs';
import { arch, availableParallelism, platform, release, totalmem } from 'node:os';
import type { NodeSystemInfo } from 'kubernetes-types/core/v1.js';

export const KUBELET_VERSION = 'v1.36.0-evenkeel';
const MAX_PODS = 110;

/** Quantities by resource name. */
export function machineCapacity(dataDir: string, maxPods = MAX_PODS): Record<string, string> {
  const disk = statfsSync(dataDir);
  return {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: String(maxPods),
    'ephemeral-storage': `${Math.floor((disk.bsize * disk.blocks) / 1024)}Ki`,
  };
}

/** Go's name of the processor architecture, as in `kubernetes.io/arch`. */
export function goArchitecture(): string {
  return arch() === 'x64' ? 'amd64' : arch();
}

/** An id file of Linux, trimmed; empty elsewhere. */
function idFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Containers and other systems have no such file; the field then stays empty, as upstream.
    return '';
  }
}

export function machineInfo(runtimeName: string): NodeSystemInfo {
  return {
    machineID: idFile('/etc/machine-id'),
    systemUUID: idFile('/etc/machine-id'),
    bootID: idFile('/proc/sys/kernel/random/boot_id'),
    kernelVersion: release(),
    osImage: `Node.js ${process.version} on ${platform()}`,
    containerRuntimeVersion: `${runtimeName}://${process.version.slice(1)}`,
    kubeletVersion: KUBELET_VERSION,
    kubeProxyVersion: KUBELET_VERSION,
    operatingSystem: platform(),
    architecture: goArchitecture(),
  };
}
