// What becomes of the fields of HorizontalPodAutoscalers: what is scaled, by which measurements, how fast.
// Verdicts only.
import { everyHonoured, honoured, type Verdicts } from '../verdict.ts';

const CONTROLLER = 'src/control/controllers/hpa/hpa.test.ts';
const VERSIONS = 'src/kube/apiserver/registry/autoscaler-conversion.test.ts';

export const autoscalingVerdicts: Verdicts = {
  'autoscaling.v2.HorizontalPodAutoscalerSpec': everyHonoured(CONTROLLER),
  'autoscaling.v2.HorizontalPodAutoscalerBehavior': everyHonoured(CONTROLLER),
  'autoscaling.v2.HPAScalingRules': everyHonoured(CONTROLLER),
  'autoscaling.v2.HPAScalingPolicy': everyHonoured(CONTROLLER),
  'autoscaling.v2.CrossVersionObjectReference': everyHonoured(CONTROLLER),
  'autoscaling.v2.MetricSpec': everyHonoured(CONTROLLER),
  'autoscaling.v2.MetricTarget': everyHonoured(CONTROLLER),
  'autoscaling.v2.MetricIdentifier': everyHonoured(CONTROLLER),
  'autoscaling.v2.ResourceMetricSource': everyHonoured(CONTROLLER),
  'autoscaling.v2.ContainerResourceMetricSource': everyHonoured(CONTROLLER),
  'autoscaling.v2.PodsMetricSource': everyHonoured(CONTROLLER),
  'autoscaling.v2.ObjectMetricSource': everyHonoured(CONTROLLER),
  'autoscaling.v2.ExternalMetricSource': everyHonoured(CONTROLLER),
  'autoscaling.v1.HorizontalPodAutoscalerSpec': honoured(
    VERSIONS,
    'maxReplicas',
    'minReplicas',
    'scaleTargetRef',
    'targetCPUUtilizationPercentage',
  ),
  'autoscaling.v1.CrossVersionObjectReference': everyHonoured(VERSIONS),
};
