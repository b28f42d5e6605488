// Ports below 1024, which an ordinary user may not listen at: what is not served then, and what `up` says of it.
// Knows this machine and the words of the notice.
import { readFileSync } from 'node:fs';

const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));

/** Whether a cluster of this user serves such a port; where it does not, a line says what is left out of a test. */
export function servesPort(port: number, wanted: string): boolean {
  if (process.getuid?.() === 0 || port >= first) return true;
  process.stderr.write(`Left out, because this user may not listen at port ${port}: ${wanted}\n`);
  return false;
}

/** What `up` said on standard error, without the notice that is there for such users alone. */
export function withoutPortNotice(stderr: string): string {
  return stderr.replace(/^\d+ ports of Services are not served: this user may not listen below port 1024 .*\n/gm, '');
}
