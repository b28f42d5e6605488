// What callers of the built-in plugins say, as types: runtimeConfig, attachments that are still valid.
// Pure; a call comes from `cni/runtime.ts` or from a configuration that somebody wrote, so it is looked at.
import type { PortMapping } from '../cni/capabilities.ts';
import type { CniCall } from '../cni/plugin.ts';

/** Versions in which the built-in plugins answer. */
export const BUILTIN_VERSIONS = ['0.4.0', '1.0.0', '1.1.0'];

export interface RuntimeConfig {
  readonly ips: readonly string[];
  readonly mac?: string;
  readonly portMappings: readonly PortMapping[];
}

export function runtimeConfig({ config }: CniCall): RuntimeConfig {
  const raw = (config.runtimeConfig ?? {}) as Partial<RuntimeConfig>;
  return {
    ips: raw.ips ?? [],
    portMappings: raw.portMappings ?? [],
    ...(raw.mac === undefined ? {} : { mac: raw.mac }),
  };
}

/** Container ids that still have an interface. */
export function validAttachments({ config }: CniCall): ReadonlySet<string> {
  const raw = (config['cni.dev/valid-attachments'] ?? []) as readonly { containerID: string }[];
  return new Set(raw.map((one) => one.containerID));
}
