// What tests of Gateways share: asking what became of objects, and asking at the address that a Gateway has got.
// Knows the API from the outside.
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { AnyRoute, Condition, Gateway } from '#kube/api/gateway/types.ts';
import type { KeyPair } from '#traffic/identity/authority.ts';
import type { TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, ask, type Question } from '../support/http.ts';

/** Resolves with the first address of a Gateway that says it is programmed. */
export function addressOf(cluster: TestCluster, name: string, namespace = 'default'): Promise<string> {
  return eventually(`Gateway ${name} is programmed`, async () => {
    const gateway = await cluster.client.get<Gateway>(gatewayResource('Gateway'), name, namespace);
    const programmed = conditionOf(gateway.status?.conditions, 'Programmed');
    const address = gateway.status?.addresses?.[0]?.value;
    if (programmed?.status !== 'True' || address === undefined) throw new Error(JSON.stringify(gateway.status));
    return address;
  });
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** What a Gateway says of itself once `type` has this reason. */
export function gatewayTells(cluster: TestCluster, name: string, type: string, reason: string): Promise<Gateway> {
  return eventually(`Gateway ${name} says ${type} ${reason}`, async () => {
    const gateway = await cluster.client.get<Gateway>(gatewayResource('Gateway'), name, 'default');
    if (conditionOf(gateway.status?.conditions, type)?.reason !== reason)
      throw new Error(JSON.stringify(gateway.status));
    return gateway;
  });
}

/** The message of a condition of a route, once it has this reason. */
export function routeTells(
  cluster: TestCluster,
  kind: string,
  name: string,
  type: string,
  reason: string,
  namespace = 'default',
): Promise<string> {
  return eventually(`${kind} ${name} says ${type} ${reason}`, async () => {
    const route = await cluster.client.get<AnyRoute>(gatewayResource(kind), name, namespace);
    const condition = route.status?.parents
      ?.map(({ conditions }) => conditionOf(conditions, type))
      .find((one) => one?.reason === reason);
    if (condition === undefined) throw new Error(JSON.stringify(route.status));
    return condition.message;
  });
}

/** The first answer with this status. */
export function answers(url: string, status: number, question: Question = {}): Promise<Answer> {
  return eventually(`${url} answers ${status}`, async () => {
    const answer = await ask(url, question);
    if (answer.status !== status) throw new Error(`${answer.status} ${answer.text}`);
    return answer;
  });
}

export function gateway(name: string, listeners: string, more = ''): string {
  return `
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name} }
spec: { gatewayClassName: evenkeel, listeners: [${listeners}]${more} }
`;
}

export function httpRoute(name: string, parents: string, rules: string, more = ''): string {
  return `
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs: [${parents}]
  rules: ${rules}
${more}`;
}

/** A Service without pods: its one endpoint is a server of the test. */
export function serviceOf(name: string, port: number, more = '', namespace = 'default'): string {
  return `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ports: [{ port: 80${more === '' ? '' : `, ${more}`} }] }
${sliceOf(name, port, '1', more, namespace)}`;
}

/** One more endpoint of such a Service. */
export function sliceOf(service: string, port: number, number: string, more = '', namespace = 'default'): string {
  const protocol = more.includes('UDP') ? 'UDP' : 'TCP';
  const named = /name: ([a-z]+)/.exec(more)?.[1];
  return `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${service}-${number}, namespace: ${namespace}, labels: { kubernetes.io/service-name: ${service} } }
addressType: IPv4
ports: [{ port: ${port}, protocol: ${protocol}${named === undefined ? '' : `, name: ${named}`} }]
endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }]
`;
}

export function secret(
  name: string,
  { certPem, keyPem }: Pick<KeyPair, 'certPem' | 'keyPem'>,
  namespace = 'default',
): string {
  const data = { 'tls.crt': btoa(certPem), 'tls.key': btoa(keyPem) };
  return `\n---\n${JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'kubernetes.io/tls', data })}`;
}

export function authorities(name: string, pem: string, namespace = 'default'): string {
  return `\n---\n${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { 'ca.crt': pem } })}`;
}
