// Endpoints of a cluster, as `address:port` or with everything that the model knows of one.
// Knows no cluster.
import { isIP } from 'node:net';
import type { Endpoint } from '#traffic/model/ir.ts';
import { checked, leaf, mapped, named, object, optional, type Schema, short } from './kit.ts';
import { addressOf, endpointPort, flag, integer, ipAddress, isPort, text } from './values.ts';

const PLAIN: Omit<Endpoint, 'address' | 'port'> = {
  weight: 1,
  pod: '',
  node: '',
  zone: '',
  ready: true,
  serving: true,
  terminating: false,
};

const EXAMPLE = 'e.g. 10.0.0.7:8080 or "[fd00::7]:8080"';

const addressAndPort: Schema<Endpoint> = leaf<Endpoint>('an endpoint', EXAMPLE, (value) => {
  const match = typeof value === 'string' ? /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(value) : null;
  if (match === null) {
    const bare = typeof value === 'string' && isIP(value) !== 0;
    return bare
      ? { error: 'it has no port', remedy: `Write ${isIP(value) === 6 ? `"[${value}]:8080"` : `${value}:8080`}` }
      : undefined;
  }
  const address = addressOf(match[1] ?? match[2]);
  if (address === undefined || 'error' in address) return address;
  const port = Number(match[3]);
  if (!isPort(port, 1)) return { error: 'its port is out of range', remedy: 'Use a port from 1 to 65535' };
  return { value: { ...PLAIN, address: address.value, port } };
});

const whole: Schema<Endpoint> = mapped(
  checked(
    object({
      address: ipAddress,
      port: endpointPort,
      weight: optional(integer(1, 1_000)),
      pod: optional(text),
      node: optional(text),
      zone: optional(text),
      ready: optional(flag),
      serving: optional(flag),
      terminating: optional(flag),
      labels: optional(named(text, 'labels')),
    }),
    ({ ready, terminating }) =>
      ready === true && terminating === true
        ? {
            field: 'ready',
            error: 'is true though the endpoint is terminating',
            remedy: 'Remove it, or remove "terminating"',
          }
        : undefined,
  ),
  (given) => {
    const { ready = given.terminating !== true } = given;
    return { ...PLAIN, ...defined(given), ready, serving: given.serving ?? (ready || given.terminating === true) };
  },
);

export const endpoint: Schema<Endpoint> = short(addressAndPort, whole);

/** Without the members that were left out, so that they do not hide a default. */
function defined<T extends object>(given: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
