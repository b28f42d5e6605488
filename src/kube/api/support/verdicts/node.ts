// What becomes of the fields of Nodes: who may run there, and which addresses its pods have.
// Verdicts only.
import { everyIgnored, honoured, ignored, moot, type Verdicts } from '../verdict.ts';

const FILTERS = 'src/control/controllers/scheduler/filters/filters.test.ts';
const RANGES = 'src/control/controllers/node-ipam/node-ipam.test.ts';
const NO_CONFIG = 'Kubernetes gave it up in 1.24: kubelets are told by their flags';

export const nodeVerdicts: Verdicts = {
  'core.v1.NodeSpec': {
    ...honoured(FILTERS, 'taints', 'unschedulable'),
    ...honoured(RANGES, 'podCIDR', 'podCIDRs'),
    ...ignored('there is no cloud whose machine it could name', 'providerID'),
    ...ignored('what providerID was called before Kubernetes 1.11', 'externalID'),
    ...ignored(NO_CONFIG, 'configSource'),
  },
  'core.v1.NodeConfigSource': everyIgnored(NO_CONFIG),
  'core.v1.ConfigMapNodeConfigSource': everyIgnored(NO_CONFIG),
  'core.v1.Taint': {
    ...honoured(FILTERS, 'effect', 'key', 'value'),
    ...moot('a record: tolerationSeconds count from when the taint is seen, as upstream', 'timeAdded'),
  },
};
