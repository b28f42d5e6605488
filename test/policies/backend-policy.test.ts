// BackendPolicies as people meet them: refused with a reason, told what became of them, and each setting acting.
// Knows the API and the command line from the outside; backends are servers of the test.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { backendPolicyResource } from '#kube/api/backend-policy/definition.ts';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import type { Explanation } from '#traffic/proxy/explain/explanation.ts';
import { askAdmin } from '../../src/app/explain/from-admin.ts';
import { addressOf, answers, gateway, httpRoute, routeTells } from '../gateway-api/kit.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, ask, type Question } from '../support/http.ts';
import { findKubectl } from '../support/kubectl.ts';
import { evenkeel, type Finished, run } from '../support/run.ts';
import { type Backend, backend, policy, serviceOver, toRoute, toService } from './kit.ts';

const PATIENT = { timeout: 60_000 };
const PODS = ['v1', 'v2']
  .map(
    (version) => `
---
apiVersion: v1
kind: Pod
metadata: { name: pod-${version}, labels: { app: pods, version: ${version} } }
spec: { containers: [{ name: echo, image: evenkeel.dev/echo, ports: [{ containerPort: 8080 }], env: [{ name: PORT, value: "8080" }] }] }`,
  )
  .join('');

const rule = (path: string, service: string, name = path): string => `
    - name: ${name}
      matches: [{ path: { value: /${path} } }]
      backendRefs: [{ name: ${service}, port: 80 }]`;

describe('BackendPolicies', PATIENT, () => {
  let cluster: TestCluster;
  let url: string;
  let all: Backend[];
  const send = (path: string, question: Question = {}): Promise<Answer> =>
    ask(`${url}${path}`, { host: 'p.example', ...question });
  const whoAnswers = async (path: string, times = 12): Promise<string[]> => {
    const names = new Set<string>();
    for (let turn = 0; turn < times; turn++) names.add((await send(path)).text);
    return [...names].sort();
  };
  let binary = '';
  const kubectl = (args: readonly string[], input = ''): Promise<Finished> =>
    run(binary, ['--kubeconfig', cluster.kubeconfig, ...args], { input });
  const told = (name: string, reason: string): Promise<string> =>
    eventually(`BackendPolicy ${name} says ${reason}`, async () => {
      const { status } = await cluster.client.get<BackendPolicy>(backendPolicyResource, name, 'default');
      const found = status?.ancestors?.flatMap(({ conditions }) => conditions).find((one) => one.reason === reason);
      if (found === undefined) throw new Error(JSON.stringify(status));
      return found.message;
    });
  const put = async (...texts: string[]): Promise<void> => {
    await cluster.apply(texts.join('').slice(4));
  };
  const apply = async (name: string, targets: string, settings: string): Promise<void> => {
    const wanted = parse(policy(name, targets, settings).slice(4)) as BackendPolicy;
    await cluster.client.patch(backendPolicyResource, name, 'default', 'apply', wanted, { fieldManager: 'test' });
  };
  const inForce = async (name: string, targets: string, settings: string): Promise<void> => {
    await apply(name, targets, settings);
    await told(name, 'Accepted');
  };
  const remove = async (...names: string[]): Promise<void> => {
    for (const name of names) await cluster.client.delete(backendPolicyResource, name, 'default');
  };
  const explained = (path: string): Promise<Explanation> =>
    askAdmin(cluster.admin, { url: `${url}${path}`, headers: ['Host: p.example'] });

  beforeAll(async () => {
    const found = await findKubectl('current');
    if ('missing' in found) throw new Error(found.missing);
    binary = found.path;
    all = await Promise.all(['a', 'b', 'c'].map((name) => backend(name)));
    const services = ['hashed', 'limited', 'ejected', 'checked', 'slow', 'sticky', 'timed', 'ways'];
    const input = [
      ...services.map((name) => serviceOver(name, all)),
      '\n---\napiVersion: v1\nkind: Service\nmetadata: { name: pods }\nspec: { selector: { app: pods }, ports: [{ name: http, port: 80, targetPort: 8080 }] }\n',
      PODS,
      gateway('edge', '{ name: http, protocol: HTTP, port: 8080 }'),
      httpRoute(
        'all',
        '{ name: edge }',
        [...services, 'pods'].map((name) => rule(name, name)).join('') + rule('other', 'ways'),
        '  hostnames: [p.example]',
      ),
    ].join('');
    cluster = await startCluster(['-'], { input: input.slice(4), args: ['--network', 'loopback'] });
    url = `http://${await addressOf(cluster, 'edge')}:8080`;
    await answers(`${url}/hashed`, 200, { host: 'p.example' });
  }, 90_000);
  afterAll(async () => {
    await cluster?.remove();
    for (const one of all ?? []) one.close();
  }, 30_000);

  test.each([
    ['balancing: { policy: fastest }', 'Unsupported value: "fastest"'],
    ['balancing: { policy: maglev, choices: 3 }', 'choices is for policy least_request and peak_ewma only'],
    ['healthCheck: { type: tcp, interval: 1s, timeout: 2s }', 'timeout must be at most the interval'],
    ['slowStart: { aggression: 2 }', 'spec.slowStart.window: Required value'],
    ['timeouts: { connect: 25h }', 'must be a duration from 1ms to 1h'],
    ['sessionAffinity: { type: header }', 'name of the header is needed for type header'],
    ['retry: { backoff: 2s, maxBackoff: 1s }', 'backoff must be at most maxBackoff'],
    ['panicThreshold: 101', 'should be less than or equal to 100'],
  ])('%s is refused', async (settings, message) => {
    await expect(apply('bad', toService('ways'), settings)).rejects.toThrow(message);
  });

  test('one that says nothing, and one for something else, are refused', async () => {
    const nothing = await kubectl(['apply', '-f', '-'], policy('bad', toService('ways'), ''));
    expect(nothing.stderr).toContain('must say at least one of balancing');
    await expect(apply('bad', '{ group: "", kind: Pod, name: x }', 'panicThreshold: 0')).rejects.toThrow(
      'Unsupported value: "Pod"',
    );
  });

  test('ip_hash keeps a client at an endpoint, and the policy is listed', async () => {
    expect(await whoAnswers('/hashed', 40)).toEqual(['a', 'b', 'c']);
    await inForce('hashed', toService('hashed'), 'balancing: { policy: ip_hash }');
    expect(await whoAnswers('/hashed', 40)).toHaveLength(1);
    const { stdout } = await kubectl(['get', 'backendpolicies']);
    expect(stdout).toMatch(/^NAME +KIND +TARGET +POLICY +ACCEPTED +AGE\nhashed +Service +hashed +ip_hash +True /);
    await remove('hashed');
    await eventually('requests are spread again', async () => {
      if ((await whoAnswers('/hashed')).length < 2) throw new Error('one endpoint');
    });
  });

  test('beyond maxRequests requests are answered 503, those of other Services are not', async () => {
    await inForce('limited', toService('limited', 'http'), 'circuitBreaker: { maxRequests: 2 }');
    const waiting = [send('/limited?wait'), send('/limited?wait')];
    await eventually('the third request is one too many', async () => {
      const answer = await Promise.race([send('/limited'), ...waiting]);
      if (answer.status !== 503) throw new Error(`${answer.status}`);
    });
    expect((await send('/ways')).status).toBe(200);
    for (const one of all) one.release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await send('/limited')).status).toBe(200);
  });

  test('an endpoint that fails is ejected, and says so', async () => {
    await inForce(
      'ejected',
      toService('ejected'),
      'outlierDetection: { consecutive5xx: 3, baseEjection: 1h, maxEjection: 1h }, balancing: { policy: round_robin }',
    );
    const [a] = all as [Backend];
    a.status = 500;
    await eventually('a is out', async () => {
      const { backends } = await explained('/ejected');
      await send('/ejected');
      const states = backends[0]?.endpoints.map(({ state }) => state).filter((state) => state !== 'healthy');
      if (states?.length !== 1) throw new Error(JSON.stringify(states));
    });
    expect(await whoAnswers('/ejected', 20)).toEqual(['b', 'c']);
    // Of another Service the same server is an endpoint like any other.
    expect(await whoAnswers('/ways', 40)).toEqual(['a', 'b', 'c']);
    a.status = 200;
  });

  test('endpoints that fail their health checks get nothing', async () => {
    const [, b] = all as [Backend, Backend];
    b.status = 500;
    await inForce(
      'checked',
      toService('checked'),
      'healthCheck: { type: http, path: /healthz, interval: 100ms, timeout: 100ms, unhealthyThreshold: 1 }, panicThreshold: 0',
    );
    await eventually('b is unhealthy', async () => {
      if ((await whoAnswers('/checked', 20)).includes('b')) throw new Error('b answers');
    });
    b.status = 200;
    await eventually('b is back', async () => {
      if (!(await whoAnswers('/checked', 20)).includes('b')) throw new Error('b does not answer');
    });
  });

  test('a new endpoint begins with a small share', async () => {
    await inForce(
      'slow',
      toService('slow'),
      'slowStart: { window: 1h, minWeightPercent: 1 }, balancing: { policy: round_robin }',
    );
    const late = await backend('late');
    all.push(late);
    await put(serviceOver('slow', all));
    const share = await eventually('the endpoint is there', async () => {
      const { backends } = await explained('/slow');
      const found = backends[0]?.endpoints.find(({ key }) => key.endsWith(`:${late.port}`));
      if (found === undefined || found.chance === 0) throw new Error(JSON.stringify(backends));
      return found.chance;
    });
    expect(share).toBeLessThan(0.05);
  });

  test('a cookie keeps a client at its endpoint', async () => {
    await inForce(
      'sticky',
      toService('sticky'),
      'sessionAffinity: { type: cookie, name: keeps, path: /sticky, maxAge: 1h, sameSite: Strict }',
    );
    const first = await send('/sticky');
    const cookie = String(first.headers['set-cookie']);
    expect(cookie).toMatch(/^keeps=[^;]+; .*Path=\/sticky/);
    expect(cookie).toContain('Max-Age=3600');
    expect(cookie).toContain('SameSite=Strict');
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    for (let turn = 0; turn < 12; turn++) expect((await send('/sticky', { headers })).text).toBe(first.text);
    expect((await send('/ways')).headers['set-cookie']).toBeUndefined();
  });

  test('a request takes no longer than it may, and what is more specific has its way', async () => {
    await inForce('timed', toService('timed'), 'timeouts: { request: 100ms, connect: 2s }');
    expect((await send('/timed?wait')).status).toBe(504);
    await inForce('timed-rule', toRoute('all', 'timed'), 'timeouts: { request: 0s }');
    const waiting = send('/timed?wait');
    await eventually('the request is under way, and answered', async () => {
      for (const one of all) one.release();
      const done = await Promise.race([waiting, send('/ways').then(() => undefined)]);
      if (done?.status !== 200) throw new Error('not answered yet');
    });
    const { stdout } = await evenkeel(['explain', `${url}/timed`, '-H', 'Host: p.example', '--admin', cluster.admin]);
    expect(stdout).toMatch(/SETTING +VALUE +SAID BY\n +timeouts.connect +2s +BackendPolicy default\/timed\n/);
    const { backends } = await explained('/timed');
    expect(backends[0]?.settings).toEqual([
      { name: 'timeouts.connect', value: '2s', from: 'BackendPolicy default/timed' },
      { name: 'timeouts.request', value: '0s', from: 'BackendPolicy default/timed-rule' },
    ]);
    const said = await routeTells(cluster, 'HTTPRoute', 'all', 'evenkeel.dev/BackendPolicyAffected', 'PolicyAffected');
    expect(said).toContain('BackendPolicy "default/timed-rule"');
  });

  test('a policy for a route is for all of its rules, and for no other way to the Service', async () => {
    const [a] = all as [Backend];
    await inForce('rule-only', toRoute('all', 'other'), 'balancing: { policy: ip_hash }');
    expect(await whoAnswers('/other', 40)).toHaveLength(1);
    expect((await whoAnswers('/ways', 40)).length).toBeGreaterThan(1);
    a.status = 503;
    await inForce('whole-route', toRoute('all'), 'retry: { attempts: 3, conditions: [gateway_error] }');
    for (let turn = 0; turn < 12; turn++) expect((await send('/ways')).status).toBe(200);
    await remove('whole-route', 'rule-only');
    a.status = 200;
  });

  test('a subset takes pods by their labels', async () => {
    await answers(`${url}/pods`, 200, { host: 'p.example' });
    await inForce('pods', toService('pods'), 'subset: { version: v2 }');
    const pods = await eventually('only pod-v2 may answer', async () => {
      const { backends } = await explained('/pods');
      const able = backends[0]?.endpoints.filter(({ chance }) => chance > 0).map(({ pod }) => pod);
      if (able?.length !== 1) throw new Error(JSON.stringify(backends));
      return able;
    });
    expect(pods).toEqual(['default/pod-v2']);
    await kubectl(['label', 'pod', 'pod-v1', 'version=v2', '--overwrite']);
    await eventually('both may', async () => {
      const { backends } = await explained('/pods');
      const able = backends[0]?.endpoints.filter(({ chance }) => chance > 0);
      if (able?.length !== 2) throw new Error(JSON.stringify(backends));
    });
  });

  test('of two for one target the older is heard, and a target that is not there is named', async () => {
    await inForce('older', toService('ways'), 'panicThreshold: 10');
    await apply('younger', toService('ways'), 'panicThreshold: 20');
    expect(await told('younger', 'Conflicted')).toContain('older BackendPolicy "default/older"');
    await apply('lost', `${toService('gone')}, ${toRoute('all', 'nowhere')}`, 'panicThreshold: 20');
    expect(await told('lost', 'TargetNotFound')).toContain('Service "default/gone" does not exist');
    await remove('older');
    expect(await told('younger', 'Accepted')).toContain('in force');
    await put(serviceOver('gone', all));
    await told('lost', 'Accepted');
  });

  test('a status is written once', async () => {
    const version = async (): Promise<string | undefined> =>
      (await cluster.client.get<BackendPolicy>(backendPolicyResource, 'sticky', 'default')).metadata?.resourceVersion;
    const before = await version();
    await put(serviceOver('sticky', all));
    await inForce('after', toService('sticky', 'http'), 'panicThreshold: 5');
    expect(await version()).toBe(before);
  });
});
