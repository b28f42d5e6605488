// The first program of a guest, as text: it makes a root of its own, runs one command and switches the guest off.
// Pure; knows the guest's devices and nothing of who reads them.

export interface InitPlan {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Kernel modules to load first, with what they need. */
  readonly modules: readonly string[];
  /** Largest size of what the guest writes, in MB; it is memory of the guest. */
  readonly scratchMb: number;
}

/** Serial lines of the guest, in the order of the host's file descriptors. */
export const LINES = { stdout: 'ttyS0', stderr: 'ttyS1', status: 'ttyS2' } as const;

/** A word that the shell takes as it is. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Everything that is written goes to memory: the root is an overlay above the host's files, which are mounted for
 * reading only and out of reach afterwards. The command sees pipes, as it would under a test runner, not terminals.
 */
export function initScript(plan: InitPlan): string {
  const env = Object.entries({ HOME: '/root', TMPDIR: '/scratch/tmp', ...plan.env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  return `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
halt() { echo o >/proc/sysrq-trigger; while :; do sleep 1; done; }
fail() { echo "guest: $1"; mount -t proc proc /proc 2>/dev/null; halt; }
mount -t tmpfs -o size=${plan.scratchMb}m,mode=755 scratch /mnt || fail 'no memory for a root'
mount -t proc proc /proc
release=$(uname -r)
modules=/usr/lib/uml/modules
insmod "$modules/$release/kernel/fs/overlayfs/overlay.ko" || fail 'no overlay module'
umount /proc
mkdir /mnt/upper /mnt/work /mnt/root /mnt/tmp
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root || fail 'no overlay'
cd /mnt/root && mkdir .host && pivot_root . .host || fail 'no root of its own'
mkdir -p /lib/modules /scratch
mount --bind "$modules" /lib/modules
mount --move /.host/mnt /scratch
umount -l /.host && rmdir /.host
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
chmod 1777 /dev/shm /scratch/tmp
ip link set lo up
exec 3>/dev/${LINES.stdout} 4>/dev/${LINES.stderr} 5>/dev/${LINES.status}
for line in 3 4 5; do stty raw -echo <&$line; done
mkfifo /run/stdout /run/stderr
cat /run/stdout >&3 & out=$!
cat /run/stderr >&4 & err=$!
(
  exec 3>&- 4>&- 5>&- >/run/stdout 2>/run/stderr </dev/null
  ${plan.modules.length === 0 ? ':' : `modprobe -a ${plan.modules.map(quoted).join(' ')} || exit 125`}
  cd ${quoted(plan.cwd)} || exit 126
  exec env -i ${[...env, ...plan.command].map(quoted).join(' ')}
)
code=$?
# What the command left in the background may hold its output open; it does not get to hold the guest.
(exec 3>&- 4>&- 5>&-; sleep 3; kill $out $err) 2>/dev/null &
wait $out $err
echo "$code" >&5
exec 3>&- 4>&- 5>&-
halt
`;
}
