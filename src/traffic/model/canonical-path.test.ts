// Paths of routes take the form that requests have when they are matched.
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { describe, expect, it } from 'vitest';
import { normalisePath } from '#traffic/proxy/http1/target.ts';
import { canonicalPath } from './canonical-path.ts';
import { translateIngress } from './ingress.ts';

describe('canonicalPath()', () => {
  it.each([
    ['/plain/Path-1_2.html', '/plain/Path-1_2.html'],
    ['/café', '/caf%C3%A9'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/%7Eann', '/~ann'],
    ['/a%3fb', '/a%3Fb'],
    ['/100%', '/100%'],
  ])('makes %s to %s', (path, expected) => {
    expect(canonicalPath(path)).toBe(expected);
  });

  it.each(['/caf%c3%a9/x', '/%7Eann', '/a%3fb', '/a;b=c'])('is what a request for %s is matched as', (path) => {
    expect(normalisePath(path)).toBe(canonicalPath(path));
  });
});

it('an Ingress may write its path in any of these ways', () => {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const ingress: Ingress = {
    metadata: { namespace: 'shop', name: 'web' },
    spec: { rules: [{ host: 'a.test', http: { paths: [{ path: '/%7eann/caf%c3%a9', pathType: 'Exact', backend }] } }] },
  };
  const [route] = translateIngress(
    ingress,
    () => undefined,
    ({ base }) => base,
  ).routes;
  expect(route?.route.path.value).toBe('/~ann/caf%C3%A9');
});
