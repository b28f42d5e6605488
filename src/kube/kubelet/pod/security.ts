// A container's security context, with the pod's where its own is silent.
// Pure; knows what is asked for, not how a runtime brings it about.
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { ContainerConfigError } from '../env/container-env.ts';
import type { Image } from '../image/image-service.ts';
import type { Security } from '../runtime.ts';

/** What container runtimes leave to a container that asks for nothing. */
const DEFAULT_CAPABILITIES = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
] as const;

function plain(name: string): string {
  return name.toUpperCase().replace(/^CAP_/, '');
}

/** `ALL` stands for itself; what is added wins over what is dropped, except that dropping all comes first. */
function capabilitiesOf(add: readonly string[], drop: readonly string[]): readonly string[] {
  const added = add.map(plain);
  const dropped = new Set(drop.map(plain));
  if (added.includes('ALL')) return dropped.has('ALL') ? added : ['ALL', ...[...dropped].map((name) => `-${name}`)];
  const kept = dropped.has('ALL') ? [] : DEFAULT_CAPABILITIES.filter((name) => !dropped.has(name));
  return [...new Set([...kept, ...added])].toSorted();
}

export function securityOf(pod: Pod, container: Container): Security {
  const ofPod = pod.spec?.securityContext ?? {};
  const own = container.securityContext ?? {};
  const user = own.runAsUser ?? ofPod.runAsUser;
  const group = own.runAsGroup ?? ofPod.runAsGroup;
  const privileged = own.privileged === true;
  const policy = (ofPod as { supplementalGroupsPolicy?: string }).supplementalGroupsPolicy;
  return {
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    groups: [...(ofPod.supplementalGroups ?? []), ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])],
    groupsOfImage: policy !== 'Strict',
    privileged,
    capabilities: privileged ? ['ALL'] : capabilitiesOf(own.capabilities?.add ?? [], own.capabilities?.drop ?? []),
    // A privileged container may do anything, so there is nothing to forbid it.
    noNewPrivileges: own.allowPrivilegeEscalation === false && !privileged,
    readOnlyRoot: own.readOnlyRootFilesystem === true,
    unmaskedProc: privileged || own.procMount === 'Unmasked',
  };
}

/** User and group of programs that must not be root and are not told who to be; as in many images that are made for it. */
const NOBODY = '65532:65532';

function mustNotBeRoot(pod: Pod, container: Container): boolean {
  return (container.securityContext?.runAsNonRoot ?? pod.spec?.securityContext?.runAsNonRoot) === true;
}

/** A command of the machine has no user of its own: where root is forbidden it runs as nobody, rather than not at all. */
export function asNobody(pod: Pod, container: Container, image: Image): Image {
  if (image.engine || image.user !== undefined || !mustNotBeRoot(pod, container)) return image;
  return { ...image, user: NOBODY };
}

/** Throws `ContainerConfigError`. (Upstream: pkg/kubelet/kuberuntime/security_context.go verifyRunAsNonRoot.) */
export function checkNonRoot(pod: Pod, container: Container, security: Security, image: Image): void {
  if (!mustNotBeRoot(pod, container)) return;
  const { name, namespace, uid } = pod.metadata ?? {};
  const where = `(pod: "${name}_${namespace}(${uid})", container: ${container.name})`;
  if (security.user !== undefined) {
    if (security.user === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  const [user = ''] = (image.user ?? '').split(':');
  if (user === '' || user === '0' || user === 'root') {
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  }
  if (!/^\d+$/.test(user)) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${where}`,
    );
  }
}
