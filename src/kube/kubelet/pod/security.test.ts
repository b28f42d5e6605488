// Security contexts of pod and container, put together; who is refused; what setpriv is told.
import type { Container, Pod, PodSecurityContext, SecurityContext } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { identityOf, setprivCommand, unknownCapability } from '../process/privileges.ts';
import type { Security } from '../runtime.ts';
import { checkSysctls, isolationOf } from './isolation.ts';
import { checkNonRoot, securityOf } from './security.ts';

function of(own: SecurityContext = {}, ofPod: PodSecurityContext = {}): Security {
  return securityOf({ spec: { containers: [], securityContext: ofPod } }, { name: 'c', securityContext: own });
}

const image = { id: '', entrypoint: [], args: [], env: {}, pulled: false };
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/var/www:/bin/false\n';
const GROUP = 'root:x:0:\nlogs:x:4:web,other\nssl:x:110:web\n';

describe('security context', () => {
  test('the container wins over the pod', () => {
    expect(of({ runAsUser: 1 }, { runAsUser: 2, runAsGroup: 3 })).toMatchObject({ user: 1, group: 3 });
    expect(of({}, { supplementalGroups: [5], fsGroup: 6 }).groups).toEqual([5, 6]);
  });

  test.each([
    [{}, 14, ['NET_RAW'], ['SYS_ADMIN']],
    [{ drop: ['ALL'] }, 0, [], ['CHOWN']],
    [{ drop: ['ALL'], add: ['NET_BIND_SERVICE'] }, 1, ['NET_BIND_SERVICE'], []],
    [{ drop: ['cap_net_raw'], add: ['CAP_SYS_ADMIN'] }, 14, ['SYS_ADMIN'], ['NET_RAW']],
    [{ add: ['ALL'] }, 1, ['ALL'], []],
    [{ add: ['ALL'], drop: ['SYS_ADMIN'] }, 2, ['ALL', '-SYS_ADMIN'], []],
  ])('capabilities %j', (capabilities, count, has, lacks) => {
    const found = of({ capabilities }).capabilities;
    expect(found).toHaveLength(count);
    for (const name of has) expect(found).toContain(name);
    for (const name of lacks) expect(found).not.toContain(name);
  });

  test('a privileged container keeps everything', () => {
    const security = of({ privileged: true, allowPrivilegeEscalation: false });
    expect(security).toMatchObject({ capabilities: ['ALL'], noNewPrivileges: false, unmaskedProc: true });
    const identity = identityOf(security, undefined, PASSWD, GROUP);
    expect(setprivCommand(security, identity)).toEqual(['setpriv', '--reuid=0', '--regid=0', '--clear-groups', '--']);
  });

  test('users come from the manifest, then from the image, with the groups and the home the image gives them', () => {
    const identity = (security: Security, user?: string) => identityOf(security, user, PASSWD, GROUP);
    expect(identity(of())).toEqual({ uid: 0, gid: 0, groups: [], home: '/root' });
    expect(identity(of(), 'web')).toEqual({ uid: 33, gid: 34, groups: [4, 110], home: '/var/www' });
    expect(identity(of(), '33:ssl')).toMatchObject({ uid: 33, gid: 110, groups: [4] });
    expect(identity(of({ runAsUser: 33 }), 'root:ssl')).toMatchObject({ uid: 33, gid: 34 });
    expect(identity(of({ runAsUser: 999 }))).toEqual({ uid: 999, gid: 0, groups: [], home: '/' });
    const strict = { supplementalGroupsPolicy: 'Strict', supplementalGroups: [7] } as PodSecurityContext;
    expect(identity(of({ runAsUser: 33 }, strict)).groups).toEqual([7]);
  });

  test('capabilities become a bounding set, and misspelt ones are found', () => {
    const security = of({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'KILL'] } });
    expect(setprivCommand(security, identityOf(security, undefined, PASSWD, GROUP))).toContain(
      '--bounding-set=-all,+kill,+net_bind_service',
    );
    const most = of({ capabilities: { add: ['ALL'], drop: ['SYS_ADMIN'] } });
    expect(setprivCommand(most, identityOf(most, undefined, PASSWD, GROUP))).toContain('--bounding-set=-sys_admin');
    expect(unknownCapability(of({ capabilities: { add: ['NET_BINDS'] } }))).toBe('NET_BINDS');
    expect(unknownCapability(most)).toBeUndefined();
  });
});

describe('what is refused', () => {
  const pod: Pod = { metadata: { name: 'p', namespace: 'd', uid: 'u' }, spec: { containers: [] } };
  const check = (own: SecurityContext, user?: string): void => {
    const container: Container = { name: 'c', securityContext: own };
    checkNonRoot(pod, container, securityOf(pod, container), { ...image, ...(user === undefined ? {} : { user }) });
  };

  test.each([
    [{ runAsUser: 0 }, undefined, `container's runAsUser breaks non-root policy (pod: "p_d(u)", container: c)`],
    [{}, undefined, 'container has runAsNonRoot and image will run as root (pod: "p_d(u)", container: c)'],
    [{}, '0:5', 'container has runAsNonRoot and image will run as root'],
    [{}, 'web', 'container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root'],
  ])('%j of an image with user %s', (own, user, message) => {
    expect(() => check({ ...own, runAsNonRoot: true }, user)).toThrow(message);
    expect(() => check(own, user)).not.toThrow();
  });

  test('other users are not root', () => {
    expect(() => check({ runAsNonRoot: true, runAsUser: 5 })).not.toThrow();
    expect(() => check({ runAsNonRoot: true }, '5')).not.toThrow();
  });

  test('kernel parameters that are not the pod own', () => {
    const given = (name: string, more: Partial<NonNullable<Pod['spec']>> = {}): void => {
      const spec = { containers: [], securityContext: { sysctls: [{ name, value: '1' }] }, ...more };
      checkSysctls({ spec }, isolationOf({ spec }));
    };
    expect(() => given('net.ipv4.tcp_syncookies')).not.toThrow();
    expect(() => given('net/ipv4/tcp_syncookies')).not.toThrow();
    expect(() => given('vm.swappiness')).toThrow('forbidden sysctl: "vm.swappiness" not allowlisted');
    expect(() => given('net.ipv4.tcp_syncookies', { hostNetwork: true })).toThrow('not allowed with host namespaces');
  });
});
