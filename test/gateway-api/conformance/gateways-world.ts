// The objects of the cases of Gateways and ListenerSets: what is good, and what is wrong in one way each.
// Manifests only; what they have to say stands in gateways-cases.ts.
import type { KeyPair } from '#traffic/identity/authority.ts';
import { authorities, gateway, httpRoute, secret, serviceOf } from '../kit.ts';
import {
  backendCertificate,
  ca,
  clientAuthorities,
  far,
  from,
  gatewaysOf,
  grant,
  http,
  https,
  lets,
  listenerSet,
  namespaced,
  to,
} from './gateways-cases.ts';

export function world(port: number, pair: KeyPair, authorityPem: string): string {
  return [
    'apiVersion: v1\nkind: Namespace\nmetadata: { name: team, labels: { team: a } }\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: certs }\n',
    serviceOf('web', port),
    serviceOf('web', port, '', 'team'),
    secret('good', pair),
    secret('malformed', { certPem: 'nothing', keyPem: 'nothing' }),
    ...['one', 'all', 'other', 'never'].map((name) => secret(name, pair, 'certs')),
    authorities('clients', authorityPem),
    authorities('far', authorityPem, 'certs'),
    grant(
      'one',
      gatewaysOf('default'),
      '{ group: "", kind: Secret, name: one }, { group: "", kind: Secret, name: all }',
    ),
    grant(
      'wrong',
      `${gatewaysOf('team')}, { group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }`,
      '{ group: "", kind: Secret }',
    ),
    grant(
      'sets',
      '{ group: gateway.networking.k8s.io, kind: ListenerSet, namespace: default }',
      '{ group: "", kind: Secret, name: other }',
    ),
    gateway(
      'strange-kind',
      `{ name: http, protocol: HTTP, port: 8080, allowedRoutes: { kinds: [{ kind: InvalidRoute }] } }`,
    ),
    gateway(
      'half-strange-kind',
      `{ name: http, protocol: HTTP, port: 8080, allowedRoutes: { kinds: [{ kind: InvalidRoute }, { kind: HTTPRoute }] } }`,
    ),
    gateway(
      'bad',
      [
        https('gone', 8443, 'name: gone'),
        https('group', 8444, 'group: strange.example, kind: Secret, name: good'),
        https('kind', 8445, 'kind: ConfigMap, name: clients'),
        https('malformed', 8446, 'name: malformed'),
        https('not-granted', 8447, far('other')),
        https('never-granted', 8448, far('never')),
      ].join(', '),
    ),
    gateway('good', [https('one', 8443, far('one')), https('all', 8444, far('all'))].join(', ')),
    ...(
      [
        ['gone', 'name: gone'],
        ['group', 'group: strange.example, kind: Secret, name: good'],
        ['kind', 'kind: ConfigMap, name: clients'],
        ['malformed', 'name: malformed'],
        ['far', far('never')],
        ['good', 'name: good'],
      ] as const
    ).map(([name, ref]) => gateway(`client-${name}`, http('http', 'a.example'), backendCertificate(ref))),
    gateway(
      'mutual',
      ['good', 'gone', 'kind', 'far'].map((name, i) => https(name, 8443 + i, 'name: good')).join(', '),
      `, tls: { frontend: { default: ${clientAuthorities(ca('clients'))}, perPort: [
         { port: 8444, tls: ${clientAuthorities(ca('gone'))} },
         { port: 8445, tls: ${clientAuthorities('{ group: "", kind: Secret, name: good }')} },
         { port: 8446, tls: ${clientAuthorities(ca('far', ', namespace: certs'))} }] } }`,
    ),
    gateway(
      'no-clients',
      `${http('http', 'a.example')}, ${https('https', 8443, 'name: good')}`,
      `, tls: { frontend: { default: ${clientAuthorities(ca('gone'))} } }`,
    ),
    httpRoute('over-http', '{ name: no-clients }', to('web')),
    gateway(
      'counted',
      [
        '{ name: http, protocol: HTTP, port: 8080 }',
        '{ name: unattached, protocol: HTTP, port: 8081 }',
        https('unresolved', 8443, 'name: gone'),
      ].join(', '),
    ),
    ...['counted-1', 'counted-2'].map((name) => httpRoute(name, '{ name: counted, sectionName: http }', to('web'))),
    httpRoute('counted-3', '{ name: counted, sectionName: unresolved }', to('web')),
    gateway(
      'kinds',
      [
        '{ name: tls, protocol: TLS, port: 443, hostname: abc.example, tls: { mode: Passthrough }, allowedRoutes: { kinds: [{ kind: TLSRoute }] } }'.replace(
          '443',
          '8444',
        ),
        https('https', 8443, 'name: good'),
        '{ name: passed, protocol: TLS, port: 8443, tls: { mode: Passthrough } }',
        '{ name: odd, protocol: strange.example/odd, port: 8081 }',
      ].join(', '),
    ),
    httpRoute('disallowed', '{ name: kinds, sectionName: tls }', to('web')),
    gateway('any-address', http('http', 'a.example'), ', addresses: [{ type: IPAddress }]'),
    gateway(
      'parameters',
      http('http', 'a.example'),
      ', infrastructure: { parametersRef: { group: strange.example, kind: Setting, name: none } }',
    ),
    gateway(
      'labelled',
      http('http', 'a.example'),
      ', infrastructure: { labels: { team.example/owner: shop }, annotations: { team.example/note: hello } }',
    ),
    gateway('moving', http('http', 'first.example')),
    httpRoute('moved', '{ name: moving }', to('web'), '  hostnames: [second.example]'),
    // ListenerSets.
    gateway('plain', http('http', 'a.example')),
    listenerSet('uninvited', 'plain', http('http', 'b.example')),
    gateway('none', http('http', 'a.example'), lets('{ from: None }')),
    listenerSet('of-none', 'none', http('http', 'b.example')),
    gateway(
      'same',
      [http('own', 'own.example'), http('of-gateway', 'taken.example'), http('wild', '"*.wild.example"')].join(', '),
      lets('{ from: Same }'),
    ),
    listenerSet(
      'first',
      'same',
      [http('own', 'first.example'), http('of-gateway', 'taken.example'), http('shared', 'shared.example')].join(', '),
    ),
    listenerSet('lost', 'same', http('of-gateway', 'taken.example')),
    listenerSet('second', 'same', [http('own', 'second.example'), http('shared', 'shared.example')].join(', ')),
    listenerSet('wild', 'same', http('wild', '"*.wild.example"')),
    listenerSet('protocol', 'same', '{ name: tcp, protocol: TCP, port: 8080 }'),
    listenerSet('stranger', 'same', http('http', 'b.example'), 'team'),
    httpRoute('by-gateway', '{ name: same }', to('web'), '  hostnames: [own.example, taken.example]'),
    httpRoute('by-set', '{ kind: ListenerSet, name: first }', to('web')),
    httpRoute(
      'by-both',
      '{ name: same, sectionName: own }, { kind: ListenerSet, name: second, sectionName: own }',
      '[{ matches: [{ path: { value: /both } }], backendRefs: [{ name: web, port: 80 }] }]',
    ),
    httpRoute(
      'by-one-of-two',
      '{ name: same, sectionName: nowhere }, { kind: ListenerSet, name: second, sectionName: own }',
      '[{ matches: [{ path: { value: /one } }], backendRefs: [{ name: web, port: 80 }] }]',
    ),
    gateway('chosen', http('http', 'a.example'), lets('{ from: Selector, selector: { matchLabels: { team: a } } }')),
    listenerSet('selected', 'chosen', http('http', 'b.example'), 'team'),
    listenerSet('not-selected', 'chosen', http('http', 'c.example'), 'certs'),
    gateway(
      'hopeless',
      http('http', 'a.example'),
      `${lets('{ from: All }')}, infrastructure: { parametersRef: { group: strange.example, kind: Setting, name: none } }`,
    ),
    listenerSet('of-nobody', 'hopeless', http('http', 'b.example')),
    gateway('open', http('http', 'a.example'), lets('{ from: All }')),
    listenerSet('granted', 'open', https('https', 8443, far('other'))),
    listenerSet('not-granted', 'open', https('https', 8444, far('other')), 'team'),
    listenerSet(
      'routed',
      'open',
      [
        http('all', 'all.example', from('{ from: All }')),
        http('same', 'same.example', from('{ from: Same }')),
        http(
          'selected',
          'selected.example',
          from('{ from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: default } } }'),
        ),
        http(
          'http-only',
          'kinds.example',
          ', allowedRoutes: { namespaces: { from: Same }, kinds: [{ kind: HTTPRoute }] }',
        ),
        http('no-kind', 'none.example', ', allowedRoutes: { kinds: [{ kind: TLSRoute }] }'),
      ].join(', '),
      'team',
    ),
    namespaced(httpRoute('near', '{ kind: ListenerSet, name: routed }', to('web')), 'team'),
    httpRoute('far', '{ kind: ListenerSet, name: routed, namespace: team }', to('web')),
  ].join('');
}
