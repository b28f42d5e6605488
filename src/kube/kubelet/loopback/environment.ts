// The variables that put the loopback hook into a container's Node.js processes.
// Knows where the hook and the names file lie, not what they do.
import { fileURLToPath } from 'node:url';

export interface LoopbackHook {
  /** Absolute path of the hook; plain CommonJS, so that every Node.js version can load it. */
  readonly hookFile: string;
  /** Names of Services and their addresses, kept current by the kubelet. */
  readonly namesFile: string;
}

export const hookFile: string = fileURLToPath(new URL('./hook.cjs', import.meta.url));

/** NODE_OPTIONS understands double quotes with backslash escapes since Node.js 12. */
function quote(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replace(/["\\]/g, '\\$&')}"` : path;
}

/** `--require` rather than `--import`: it runs before anything else, in every version, and costs no module loader. */
export function hookEnvironment(
  hook: LoopbackHook,
  pod: { readonly namespace: string; readonly podIp: string; readonly nodeOptions: string | undefined },
): Record<string, string> {
  const option = `--require=${quote(hook.hookFile)}`;
  return {
    NODE_OPTIONS: pod.nodeOptions === undefined || pod.nodeOptions === '' ? option : `${pod.nodeOptions} ${option}`,
    EVENKEEL_NAMES_FILE: hook.namesFile,
    EVENKEEL_NAMESPACE: pod.namespace,
    EVENKEEL_POD_IP: pod.podIp,
  };
}
