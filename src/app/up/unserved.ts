// The closing words of `up` about Services that cannot be reached at their addresses.
// Pure; what could not be listened at, and why, is handed in.

/** `errors` by the names of Service ports (`namespace/service:port`) and listeners; with codes of the system. */
export function unservedLines(errors: ReadonlyMap<string, Error & { readonly code?: string }>): string[] {
  const services = [...errors].filter(([name]) => /^[^/]+\/[^/]+:[^/]+$/.test(name));
  const privileged = services.filter(([, { code }]) => code === 'EACCES').map(([name]) => name);
  const others = services.filter(([, { code }]) => code !== 'EACCES').map(([, { message }]) => message);
  // The API server's own: few pods ask for it, and its event says so to who looks there.
  if (privileged.every((name) => name.startsWith('default/kubernetes:'))) return others;
  const many = privileged.length > 1;
  return [
    ...others,
    `${many ? `${privileged.length} ports of Services are` : 'One port of a Service is'} not served: this user may not listen below port 1024 (${list(privileged)}). Allow it with "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0" and start again, run as root, choose ports of 1024 or more, or come by an Ingress.`,
  ];
}

const SHOWN = 5;

function list(names: readonly string[]): string {
  const rest = names.length - SHOWN;
  return rest > 0 ? `${names.slice(0, SHOWN).join(', ')} and ${rest} more` : names.join(', ');
}
