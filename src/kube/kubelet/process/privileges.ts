// What a process gives up before it becomes the container: user, groups, capabilities.
// Pure; makes the arguments of `setpriv`, and knows users by the text of /etc/passwd and /etc/group.
import type { Security } from '../runtime.ts';

const KNOWN = new Set(
  (
    'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
    'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
    'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
    'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE ALL'
  ).split(' '),
);

/** The first name that is no capability of Linux. */
export function unknownCapability({ capabilities }: Security): string | undefined {
  return capabilities.map((name) => name.replace(/^-/, '')).find((name) => !KNOWN.has(name));
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
}

function rows(text: string): string[][] {
  return text.split('\n').map((line) => line.split(':'));
}

/** As container runtimes do: what the manifest does not say, the files of the image do. `user` is the image's. */
export function identityOf(security: Security, user: string | undefined, passwd: string, group: string): Identity {
  const [imageUser = '', imageGroup = ''] = (user ?? '').split(':');
  const named = security.user === undefined ? imageUser || '0' : String(security.user);
  const entry = rows(passwd).find(([name, , uid]) => (/^\d+$/.test(named) ? uid === named : name === named));
  const uid = Number(/^\d+$/.test(named) ? named : (entry?.[2] ?? 0));
  const groupNamed = rows(group).find(([name]) => name === imageGroup && imageGroup !== '')?.[2] ?? imageGroup;
  const ofImage = security.user === undefined && groupNamed !== '' ? groupNamed : undefined;
  const gid = security.group ?? Number(ofImage ?? entry?.[3] ?? 0);
  const member = security.groupsOfImage && entry !== undefined;
  const groups = member
    ? rows(group).flatMap(([, , id = '', members = '']) =>
        members.split(',').includes(entry[0] ?? '') ? [Number(id)] : [],
      )
    : [];
  return {
    uid,
    gid,
    groups: [...new Set([...groups, ...security.groups])].filter((one) => one !== gid),
    home: entry?.[5] ?? '/',
  };
}

function boundingSet(capabilities: readonly string[]): string | undefined {
  const names = capabilities.map((name) => name.toLowerCase());
  if (!names.includes('all')) return ['-all', ...names.map((name) => `+${name}`)].join(',');
  const without = names.filter((name) => name.startsWith('-'));
  return without.length === 0 ? undefined : without.join(',');
}

/** Arguments in front of the program; empty when nothing is given up. */
export function setprivCommand(security: Security, identity: Identity): string[] {
  const { uid, gid, groups } = identity;
  const bounding = boundingSet(security.capabilities);
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    ...(bounding === undefined ? [] : [`--bounding-set=${bounding}`]),
    ...(security.noNewPrivileges ? ['--no-new-privs'] : []),
    '--',
  ];
}
