// What becomes of the fields of Ingresses: hosts, paths, certificates and the Services behind them.
// Verdicts only.
import { everyHonoured, honoured, refused, type Verdicts } from '../verdict.ts';

const golden = (name: string): string => `src/traffic/model/testdata/${name}.in.yaml`;

export const ingressVerdicts: Verdicts = {
  'networking.v1.IngressSpec': {
    ...honoured(golden('default-backend'), 'defaultBackend'),
    ...honoured(golden('ingress-classes'), 'ingressClassName'),
    ...honoured(golden('hosts'), 'rules'),
    ...honoured(golden('tls'), 'tls'),
  },
  'networking.v1.IngressBackend': {
    ...honoured(golden('default-backend'), 'service'),
    ...refused('a route leads to Services only: it answers 503, and an event says why', 'resource'),
  },
  'networking.v1.IngressServiceBackend': everyHonoured(golden('default-backend')),
  'networking.v1.ServiceBackendPort': everyHonoured(golden('missing-backends')),
  'networking.v1.IngressRule': everyHonoured(golden('hosts')),
  'networking.v1.HTTPIngressRuleValue': everyHonoured(golden('paths')),
  'networking.v1.HTTPIngressPath': everyHonoured(golden('paths')),
  'networking.v1.IngressTLS': everyHonoured(golden('tls')),
};
