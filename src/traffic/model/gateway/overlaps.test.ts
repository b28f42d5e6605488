// Listeners whose hostnames overlap over TLS, and what their Gateway says of them.
import { expect, test } from 'vitest';
import type { Gateway } from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import type { SocketFaults } from './gateway-status.ts';
import { objectsOf, readAuthorities, readCertificate } from './testing.ts';
import { GatewayTranslator } from './translator.ts';

const NO_FAULTS: SocketFaults = new Map();

interface Wanted {
  readonly name: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly protocol?: string;
}

/** Messages of the condition, by listener; undefined where it is not there. */
function overlaps(wanted: readonly Wanted[]): Record<string, string | undefined> {
  const listeners = wanted.map(({ name, hostname, port = 443, protocol = 'HTTPS' }) => ({
    name,
    port,
    protocol,
    ...(hostname === undefined ? {} : { hostname }),
    ...(protocol === 'HTTPS' ? { tls: { certificateRefs: [{ name: 'cert' }] } } : {}),
  }));
  const world = [
    { kind: 'GatewayClass', metadata: { name: 'ek' }, spec: { controllerName: 'evenkeel.dev/gateway-controller' } },
    {
      kind: 'Secret',
      metadata: { name: 'cert' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': btoa('names: a'), 'tls.key': btoa('key') },
    },
    { kind: 'Gateway', metadata: { name: 'g' }, spec: { gatewayClassName: 'ek', listeners } },
  ] as unknown as KubeObject[];
  const translator = new GatewayTranslator({ readCertificate, readAuthorities });
  const { tellings } = translator.update(objectsOf(world), undefined);
  const found = [...tellings.values()].flatMap((tell) => {
    const { status } = (tell?.(NO_FAULTS) ?? {}) as { readonly status?: NonNullable<Gateway['status']> };
    return status?.listeners ?? [];
  });
  return Object.fromEntries(
    found.map(({ name, conditions = [] }) => {
      const one = conditions.find(({ type }) => type === 'OverlappingTLSConfig');
      if (one !== undefined) expect([one.status, one.reason]).toEqual(['True', 'OverlappingHostnames']);
      return [name, one?.message.split(':')[0]];
    }),
  );
}

test('a wildcard and what is below it overlap, and both are told', () => {
  const said = overlaps([
    { name: 'wide', hostname: '*.example.com' },
    { name: 'one', hostname: 'a.example.com' },
    { name: 'deep', hostname: '*.b.example.com' },
    { name: 'other', hostname: 'a.example.org' },
  ]);
  expect(said).toEqual({
    wide: 'Hostname "*.example.com" overlaps with hostname "a.example.com" of listener "one"',
    one: 'Hostname "a.example.com" overlaps with hostname "*.example.com" of listener "wide"',
    deep: 'Hostname "*.b.example.com" overlaps with hostname "*.example.com" of listener "wide"',
    other: undefined,
  });
});

test('one for every hostname overlaps with all, and the nearest is named', () => {
  const said = overlaps([
    { name: 'all' },
    { name: 'wide', hostname: '*.example.com' },
    { name: 'one', hostname: 'a.example.com' },
  ]);
  expect(said.all).toBe('Every hostname overlaps with hostname "*.example.com" of listener "wide"');
  expect(said.one).toContain('of listener "wide"');
});

test('other ports and protocols have connections of their own', () => {
  const said = overlaps([
    { name: 'wide', hostname: '*.example.com' },
    { name: 'elsewhere', hostname: 'a.example.com', port: 8443 },
    { name: 'plain', hostname: 'a.example.com', port: 80, protocol: 'HTTP' },
  ]);
  expect(Object.values(said)).toEqual([undefined, undefined, undefined]);
});
