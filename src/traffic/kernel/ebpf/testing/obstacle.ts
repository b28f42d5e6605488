// What tests of eBPF ask of the machine.
// Knows no program.
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { cgroupRoot, ebpfObstacle } from '../driver/ebpf-driver.ts';

/** Why eBPF cannot be tested here; undefined where it can. */
export function bpfObstacle(): string | undefined {
  const obstacle = privilegedObstacle() ?? ebpfObstacle();
  if (obstacle !== undefined) return obstacle;
  return cgroupRoot() === undefined ? 'no cgroup2 file system is mounted' : undefined;
}
