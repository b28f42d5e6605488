// Requests explained from manifests alone: the routes of Ingresses, and the pods that workloads will have.
import { expect, it } from 'vitest';
import { gatewayListeners } from '../main/network.ts';
import { parseManifests } from '../manifests/parse.ts';
import { explainManifests, type ManifestExplanation } from './from-manifests.ts';
import { questionOf } from './question.ts';

const MANIFESTS = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web, ports: [{ name: http, containerPort: 8080 }] }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db, namespace: other }
spec: { template: { metadata: { labels: { app: web } } } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, clusterIP: 10.96.0.7, ports: [{ name: http, port: 80, targetPort: http }] }
---
apiVersion: v1
kind: Service
metadata: { name: outside }
spec: { ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: outside-1, labels: { kubernetes.io/service-name: outside } }
addressType: IPv4
ports: [{ name: '', port: 9000 }]
endpoints: [{ addresses: [192.0.2.7], conditions: { ready: true } }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec:
  ingressClassName: evenkeel
  tls: [{ hosts: [web.test], secretName: web-tls }]
  rules:
    - host: web.test
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: web, port: { name: http } } } }
          - { path: /out, pathType: Prefix, backend: { service: { name: outside, port: { number: 80 } } } }
          - { path: /gone, pathType: Prefix, backend: { service: { name: gone, port: { number: 80 } } } }
`;

const GATEWAYS = `
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: first }
spec: { gatewayClassName: evenkeel, listeners: [{ name: http, protocol: HTTP, port: 80 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: second }
spec: { gatewayClassName: evenkeel, listeners: [{ name: http, protocol: HTTP, port: 80 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web }
spec:
  parentRefs: [{ name: second }]
  hostnames: [gw.test]
  rules:
    - matches: [{ path: { value: /api } }]
      backendRefs: [{ name: web, port: 80 }]
    - backendRefs: [{ name: gone, port: 80 }]
`;

function explained(url: string, more = ''): ManifestExplanation {
  const { objects, problems } = parseManifests(`${MANIFESTS}${more}`, 'k8s.yaml');
  expect(problems).toEqual([]);
  return explainManifests(
    objects.map(({ object }) => object),
    gatewayListeners({ http: 8080, https: 8443 }),
    questionOf({ url }),
  );
}

it('every pod that a workload asks for has its chance, and no address', () => {
  const { backends } = explained('http://web.test:8080/').explanation;
  expect(backends.map(({ cluster }) => cluster)).toEqual(['default/web/http']);
  expect(backends[0]?.endpoints.map(({ key, pod, state }) => [key, pod, state])).toEqual([
    ['?:8080', 'default/web-1', 'expected'],
    ['?:8080', 'default/web-2', 'expected'],
    ['?:8080', 'default/web-3', 'expected'],
  ]);
});

it('the address of a Service leads to them as well', () => {
  expect(explained('http://10.96.0.7/').explanation).toMatchObject({
    verdict: 'forwarded',
    listener: { name: 'default/web:http', protocol: 'service' },
  });
});

it('endpoints that manifests name are taken as they are', () => {
  const [backend] = explained('http://web.test:8080/out/x').explanation.backends;
  expect(backend?.endpoints).toMatchObject([{ key: '192.0.2.7:9000', state: 'healthy', chance: 1 }]);
});

it('a Secret that is not there is taken for the certificate that the cluster makes', () => {
  const { explanation, problems } = explained('https://web.test:8443/');
  expect(explanation).toMatchObject({ verdict: 'forwarded', certificate: { hostnames: ['web.test'] } });
  expect(problems.filter((problem) => problem.includes('web-tls'))).toEqual([]);
});

it('what is wrong with the manifests is told beside, and shows in the answer', () => {
  const { explanation, problems } = explained('http://web.test:8080/gone');
  expect(explanation).toMatchObject({ verdict: 'answered', status: 503 });
  expect(problems).toEqual([expect.stringContaining('Service "default/gone" does not exist')]);
});

it('knows Gateways: of those that have the port, the one with routes for the host, and what is wrong with them', () => {
  const { explanation, problems } = explained('http://gw.test/api/x', GATEWAYS);
  expect(explanation.verdict).toBe('forwarded');
  expect(explanation.route?.name).toBe('httproute/default/web/0/0');
  expect(explanation.backends[0]).toMatchObject({ cluster: 'default/web/http', share: 1 });
  expect(problems).toContain(
    'HTTPRoute "default/web": spec.rules[1].backendRefs[0]: Service "default/gone" does not exist: create it or correct the name',
  );
  expect(explained('http://gw.test/', GATEWAYS).explanation).toMatchObject({ verdict: 'answered', status: 500 });
  expect(explained('http://other.test/', GATEWAYS).explanation).toMatchObject({ verdict: 'not_found' });
});
