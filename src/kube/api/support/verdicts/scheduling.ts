// What becomes of the fields by which a pod says where it may run, and before whom.
// Verdicts only.
import { everyHonoured, honoured, type Verdicts } from '../verdict.ts';

const FILTERS = 'src/control/controllers/scheduler/filters/filters.test.ts';
const SCORES = 'src/control/controllers/scheduler/scores/scores.test.ts';
const SCHEDULER = 'src/control/controllers/scheduler/scheduler.test.ts';

export const schedulingVerdicts: Verdicts = {
  'core.v1.Affinity': everyHonoured(FILTERS),
  'core.v1.NodeAffinity': {
    ...honoured(SCORES, 'preferredDuringSchedulingIgnoredDuringExecution'),
    ...honoured(FILTERS, 'requiredDuringSchedulingIgnoredDuringExecution'),
  },
  'core.v1.PreferredSchedulingTerm': everyHonoured(SCORES),
  'core.v1.NodeSelectorTerm': everyHonoured(FILTERS),
  'core.v1.NodeSelectorRequirement': everyHonoured(FILTERS),
  'core.v1.NodeSelector': everyHonoured(FILTERS),
  'core.v1.PodAffinity': {
    ...honoured(SCORES, 'preferredDuringSchedulingIgnoredDuringExecution'),
    ...honoured(FILTERS, 'requiredDuringSchedulingIgnoredDuringExecution'),
  },
  'core.v1.WeightedPodAffinityTerm': everyHonoured(SCORES),
  'core.v1.PodAffinityTerm': everyHonoured(FILTERS),
  'meta.v1.LabelSelector': {
    ...honoured('src/kube/api/selector.test.ts', 'matchExpressions'),
    ...honoured('src/control/controllers/deployment/deployment.test.ts', 'matchLabels'),
  },
  'meta.v1.LabelSelectorRequirement': everyHonoured('src/kube/api/selector.test.ts'),
  'core.v1.PodAntiAffinity': {
    ...honoured(SCORES, 'preferredDuringSchedulingIgnoredDuringExecution'),
    ...honoured(FILTERS, 'requiredDuringSchedulingIgnoredDuringExecution'),
  },
  'core.v1.PodSchedulingGate': everyHonoured(SCHEDULER),
  'core.v1.Toleration': {
    ...honoured(FILTERS, 'effect', 'key', 'operator', 'value'),
    ...honoured('src/control/controllers/taint-eviction/tolerations.test.ts', 'tolerationSeconds'),
  },
  'core.v1.TopologySpreadConstraint': everyHonoured(FILTERS),
};
