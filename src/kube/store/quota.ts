// What a writer is told when there is no room: the limit and what helps; shared by every store.
// Knows numbers and words only.

/** In the words of etcd, which clients and people look for, and with what to do. */
export function quotaExceeded(usedBytes: number, quotaBytes: number): string {
  return (
    `database space exceeded: the store holds ${mebibytes(usedBytes)} of its quota of ${mebibytes(quotaBytes)}. ` +
    'Delete objects that are not needed, which is still allowed, or raise the quota with --store-quota'
  );
}

export function diskFull(file: string): string {
  return (
    `database space exceeded: the disk of "${file}" is full. ` +
    'Make room on it; reading goes on, and writes are taken again as soon as there is room'
  );
}

export function diskFailed(file: string, why: string): string {
  return `the disk of "${file}" does not take what is written (${why}). Check the disk and its limits; reading goes on`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 2 : 0)} MiB`;
}
