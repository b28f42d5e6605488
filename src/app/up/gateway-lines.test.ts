// The lines that `up` ends with, for Gateways that are served and that are not.
import { expect, it } from 'vitest';
import type { Gateway } from '#kube/api/gateway/types.ts';
import { gatewayLines } from './gateway-lines.ts';

const condition = (type: string, status: 'True' | 'False', message = '') => ({ type, status, reason: 'X', message });

it('names each listener where it is served, and says why one is not', () => {
  const gateways: Gateway[] = [
    {
      metadata: { namespace: 'shop', name: 'web' },
      spec: {
        gatewayClassName: 'evenkeel',
        listeners: [
          { name: 'http', protocol: 'HTTP', port: 80, hostname: 'shop.example' },
          { name: 'https', protocol: 'HTTPS', port: 8443 },
          { name: 'db', protocol: 'TCP', port: 5432 },
        ],
      },
      status: {
        addresses: [{ value: '127.97.0.1' }],
        conditions: [condition('Accepted', 'True'), condition('Programmed', 'True')],
        listeners: [
          {
            name: 'https',
            supportedKinds: [],
            attachedRoutes: 0,
            conditions: [condition('Programmed', 'False', 'Secret "shop/tls" does not exist: create it')],
          },
        ],
      },
    },
    {
      metadata: { namespace: 'shop', name: 'late' },
      spec: { gatewayClassName: 'evenkeel', listeners: [] },
      status: { conditions: [condition('Programmed', 'False', 'The Gateway has no address: all are given out')] },
    },
    { metadata: { namespace: 'shop', name: 'other' }, spec: { gatewayClassName: 'other', listeners: [] } },
  ];
  expect(gatewayLines(gateways)).toEqual([
    'Gateways',
    '  shop/late',
    '    The Gateway has no address: all are given out',
    '  shop/web',
    '    http://127.97.0.1/  (shop.example)',
    '    https://127.97.0.1:8443/  Secret "shop/tls" does not exist: create it',
    '    TCP 127.97.0.1:5432',
    '',
  ]);
  expect(gatewayLines([])).toEqual([]);
});
