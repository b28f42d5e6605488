// What callers of the built-in plugins say, as types: runtimeConfig, attachments that are still valid.
// Pure; a call comes from `cni/runtime.ts` or from a configuration that somebody wrote, so it is looked at.

import type { PortMapping } from '../cni/capabilities.ts';
import { CniCode, CniError } from '../cni/cni-error.ts';
import type { CniCall } from '../cni/plugin.ts';

/** Versions in which the built-in plugins answer. */
export const BUILTIN_VERSIONS = ['0.4.0', '1.0.0', '1.1.0'];

export interface RuntimeConfig {
  readonly ips: readonly string[];
  readonly mac?: string;
  readonly portMappings: readonly PortMapping[];
}

/** Throws `CniError` for a hardware address that is none: it comes from whoever wrote the pod, and goes into a script. */
export function runtimeConfig({ config }: CniCall): RuntimeConfig {
  const { ips = [], portMappings = [], mac } = (config.runtimeConfig ?? {}) as Partial<RuntimeConfig>;
  if (mac === undefined) return { ips, portMappings };
  // The lowest bit of the first octet would make it a group's.
  if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(mac)) {
    throw new CniError(CniCode.invalidConfig, `${JSON.stringify(mac)} is no hardware address of one machine`);
  }
  return { ips, portMappings, mac };
}

/** Container ids that still have an interface. */
export function validAttachments({ config }: CniCall): ReadonlySet<string> {
  const raw = (config['cni.dev/valid-attachments'] ?? []) as readonly { containerID: string }[];
  return new Set(raw.map((one) => one.containerID));
}
