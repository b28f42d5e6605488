// Listeners. Files are named here and read elsewhere.
// Knows no route; clusters by name only.
import type { Listener, ListenerTls } from '#traffic/model/ir.ts';
import { plainCluster } from './common.ts';
import { type EveryField, list, mapped, object, oneOf, optional, type Schema } from './kit.ts';
import { bindAddress, cidr, flag, hostPattern, name, port, text } from './values.ts';

/** A part of the model that still wants the content of a file. */
export type WithFiles<T> = (read: (file: string) => string) => T;

export const tlsVersion = oneOf('TLSv1.2', 'TLSv1.3');

const tls: Schema<WithFiles<ListenerTls>> = mapped(
  object({
    minVersion: optional(tlsVersion),
    maxVersion: optional(tlsVersion),
    ciphers: optional(text),
    clientCertificates: optional(
      object({ mode: oneOf('required', 'optional', 'unverified'), caFile: name, forward: optional(flag) }),
    ),
  }),
  ({ clientCertificates, ...rest }) =>
    (read) => {
      if (clientCertificates === undefined) return rest;
      const { caFile, ...kept } = clientCertificates;
      return { ...rest, clientCertificates: { ...kept, caPem: read(caFile) } };
    },
);

export function listener(listenerName: string): Schema<WithFiles<Listener>> {
  return mapped(
    object({
      address: optional(bindAddress),
      port,
      protocol: optional(oneOf('http', 'https', 'tls', 'tcp', 'udp')),
      tls: optional(tls),
      http2: optional(flag),
      proxyProtocolFrom: optional(list(cidr, 'ranges')),
      clusters: optional(list(plainCluster, 'clusters', { min: 1 })),
      passthrough: optional(
        list(
          object({
            name: optional(name),
            hostnames: list(hostPattern, 'hostnames', { min: 1 }),
            clusters: list(plainCluster, 'clusters', { min: 1 }),
            terminate: optional(flag),
          }),
          'routes by server name',
          { min: 1 },
        ),
      ),
    } satisfies EveryField<Listener, never, 'name' | 'front'>),
    ({ address = '', protocol = 'http', tls: settings, passthrough, ...rest }) =>
      (read) => ({
        name: listenerName,
        address,
        protocol,
        ...rest,
        ...(settings === undefined ? {} : { tls: settings(read) }),
        ...(passthrough === undefined
          ? {}
          : {
              passthrough: passthrough.map((one, place) => ({ ...one, name: one.name ?? `${listenerName}/${place}` })),
            }),
      }),
  );
}
