// What to type to get to Gateways: a line for each listener, or why there is nothing to type.
// Knows statuses; prints nothing itself.
import type { Condition, Gateway } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { GATEWAY_CLASS } from '../main/gateway-objects.ts';

const SCHEMES: Readonly<Record<string, readonly [scheme: string, port: number]>> = {
  HTTP: ['http', 80],
  HTTPS: ['https', 443],
};

/** Empty without a Gateway of our class. */
export function gatewayLines(gateways: readonly Gateway[]): string[] {
  const lines = gateways
    .filter(({ spec }) => spec?.gatewayClassName === GATEWAY_CLASS)
    .sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1))
    .flatMap((gateway) => [`  ${objectKey(gateway)}`, ...placesOf(gateway).map((line) => `    ${line}`)]);
  return lines.length === 0 ? [] : ['Gateways', ...lines, ''];
}

function placesOf({ spec, status }: Gateway): string[] {
  const failed = unmet(status?.conditions);
  const address = status?.addresses?.[0]?.value;
  if (failed !== undefined || address === undefined) return [failed ?? 'is not served yet'];
  const host = address.includes(':') ? `[${address}]` : address;
  return (spec?.listeners ?? []).map(({ name, protocol, port, hostname }) => {
    const wrong = unmet(status?.listeners?.find((one) => one.name === name)?.conditions);
    const [scheme = '', usual = 0] = SCHEMES[protocol] ?? [];
    const where =
      scheme === '' ? `${protocol} ${host}:${port}` : `${scheme}://${host}${port === usual ? '' : `:${port}`}/`;
    const told = wrong === undefined ? '' : `  ${wrong}`;
    return `${where}${hostname === undefined ? '' : `  (${hostname})`}${told}`;
  });
}

/** What speaks against it being served. */
function unmet(conditions: readonly Condition[] | undefined): string | undefined {
  return conditions?.find(({ type, status }) => (type === 'Accepted' || type === 'Programmed') && status === 'False')
    ?.message;
}
