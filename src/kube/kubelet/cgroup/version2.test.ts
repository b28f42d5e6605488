// Control groups of version 2 with all controllers, in a kernel that has them: what the kubelet does with them holds.
// Runs the tests that also run on this machine's own groups, whichever version those are.
import { testsInGuest } from '#test/support/uml/tests-in-guest.ts';

testsInGuest('control groups of version 2', [
  'src/kube/kubelet/cgroup/kernel.test.ts',
  'src/kube/kubelet/cgroup/abandoned.test.ts',
  'src/kube/kubelet/limits.test.ts',
  'src/kube/kubelet/process/isolation-crash.test.ts',
]);
