// The cluster of the benchmark of routes as its parts find it: standing routes, and help to make and remove many.
// Knows the API as people do.

import type { KubeObject } from '../../src/kube/api/object.ts';
import type { Client } from '../../src/kube/client/client.ts';
import { inCluster, type Up, type UpSettings, until } from '../lib/up.ts';
import { GATEWAYS, gatewayUrl, manifestsOf, NAMESPACE, ROUTES, standingRoute, UP_ARGS } from './world.ts';

/** Requests to the API at a time. */
const AT_A_TIME = 32;

export interface Setting extends Up {
  /** Of the Gateway. */
  readonly url: string;
  readonly namespaces: number;
}

export interface SettingOptions extends UpSettings {
  readonly namespaces: number;
  readonly workers: number;
}

export function inSetting<T>(
  { namespaces, workers, ...settings }: SettingOptions,
  work: (setting: Setting) => Promise<T>,
): Promise<T> {
  const args = [...UP_ARGS, '--workers', String(workers)];
  return inCluster(
    args,
    manifestsOf(namespaces),
    async (up) => {
      await until('the Gateway is programmed', async () => (await gatewayOf(up.client)).programmed);
      const { address } = await gatewayOf(up.client);
      return await work({ ...up, url: gatewayUrl(address), namespaces });
    },
    settings,
  );
}

/** The routes of these numbers, and waits until the Gateway counts `attached` in all. */
export async function bringRoutes(
  { client, namespaces }: Setting,
  { from, to, attached }: { readonly from: number; readonly to: number; readonly attached: number },
): Promise<void> {
  const wanted = Array.from({ length: to - from }, (_, at) => standingRoute(from + at, namespaces));
  await createAll(client, wanted);
  await until('all routes are attached', async () => (await gatewayOf(client)).attached === attached);
}

export async function createAll(client: Client, routes: readonly KubeObject[]): Promise<void> {
  await eachOf(routes, async (route) => void (await client.create(ROUTES, route)));
}

export async function deleteAll(client: Client, routes: readonly KubeObject[]): Promise<void> {
  await eachOf(routes, ({ metadata }) => client.delete(ROUTES, metadata?.name ?? '', metadata?.namespace));
}

async function eachOf<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await act(item);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
}

export interface GatewayNow {
  readonly attached: number;
  readonly programmed: boolean;
  readonly address: string;
}

export async function gatewayOf(client: Client): Promise<GatewayNow> {
  return readGateway(await client.get(GATEWAYS, 'front', NAMESPACE));
}

interface GatewayStatus {
  readonly addresses?: readonly { readonly value: string }[];
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly listeners?: readonly { readonly attachedRoutes: number }[];
}

export function readGateway(gateway: KubeObject): GatewayNow {
  const { status = {} } = gateway as KubeObject & { readonly status?: GatewayStatus };
  return {
    attached: status.listeners?.[0]?.attachedRoutes ?? 0,
    programmed: (status.conditions ?? []).some((one) => one.type === 'Programmed' && one.status === 'True'),
    address: status.addresses?.[0]?.value ?? '',
  };
}
