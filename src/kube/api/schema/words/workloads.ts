// Descriptions of the kinds that keep pods running: apps, batch, autoscaling, disruption budgets.
// Text only.
import type { Words } from './make.ts';

const minReadySeconds = 'Seconds that a pod must be ready to count as available; default 0.';
const replicas = 'Number of pods; default 1.';
const revisionHistoryLimit = 'How many old revisions are kept for a rollback; default 10.';
const selector = 'Labels of the pods; cannot change, and must match those of the template.';
const template = 'The pods that are made.';
const conditions = 'Observations of the current state.';
const observedGeneration = 'Generation that the controller has acted on.';

export const appsWords: Words = {
  Deployment: {
    about: 'Keeps a number of equal pods running and replaces them step by step when their template changes.',
  },
  DeploymentSpec: {
    about: 'What is wanted of a Deployment.',
    minReadySeconds,
    paused: 'Holds changes of the template back.',
    progressDeadlineSeconds: 'Seconds without progress after which the rollout counts as failed; default 600.',
    replicas,
    revisionHistoryLimit,
    selector,
    strategy: 'How old pods are replaced by new ones.',
    template,
  },
  DeploymentStrategy: {
    about: 'How old pods are replaced by new ones.',
    rollingUpdate: 'Settings of `RollingUpdate`.',
    type: '`RollingUpdate` (default) or `Recreate`.',
  },
  RollingUpdateDeployment: {
    about: 'How fast pods are replaced.',
    maxSurge: 'How many pods beyond `replicas` there may be; number or percentage, rounded up; default 25%.',
    maxUnavailable: 'How many of `replicas` may be missing; number or percentage, rounded down; default 25%.',
  },
  DeploymentStatus: {
    about: 'What was last seen of a Deployment.',
    availableReplicas: 'Pods that have been ready for `minReadySeconds`.',
    collisionCount: 'Collisions of the hash in names of ReplicaSets.',
    conditions,
    observedGeneration,
    readyReplicas: 'Pods that are ready.',
    replicas: 'Pods that there are.',
    terminatingReplicas: 'Pods that are ending.',
    unavailableReplicas: 'Pods that are missing.',
    updatedReplicas: 'Pods made from the current template.',
  },
  ReplicaSet: { about: 'Keeps a number of equal pods running; made by Deployments.' },
  ReplicaSetSpec: { about: 'What is wanted of a ReplicaSet.', minReadySeconds, replicas, selector, template },
  ReplicaSetStatus: {
    about: 'What was last seen of a ReplicaSet.',
    availableReplicas: 'Pods that have been ready for `minReadySeconds`.',
    conditions,
    fullyLabeledReplicas: 'Pods with all labels of the template.',
    observedGeneration,
    readyReplicas: 'Pods that are ready.',
    replicas: 'Pods that there are.',
  },
  StatefulSet: { about: 'Keeps pods with names and storage of their own, in order.' },
  StatefulSetSpec: {
    about: 'What is wanted of a StatefulSet.',
    minReadySeconds,
    ordinals: 'Where the numbers of the pods start.',
    persistentVolumeClaimRetentionPolicy: 'What happens to claims when pods go; kept by default.',
    podManagementPolicy: '`OrderedReady` (default, one after another) or `Parallel`.',
    replicas,
    revisionHistoryLimit,
    selector,
    serviceName: 'Headless Service that gives the pods their names.',
    template,
    updateStrategy: 'How pods are replaced when the template changes.',
    volumeClaimTemplates: 'Claims that each pod gets.',
  },
  StatefulSetUpdateStrategy: {
    about: 'How pods are replaced.',
    rollingUpdate: 'Settings of `RollingUpdate`.',
    type: '`RollingUpdate` (default) or `OnDelete`.',
  },
  DaemonSet: { about: 'Keeps one pod on every node that matches.' },
  DaemonSetSpec: {
    about: 'What is wanted of a DaemonSet.',
    minReadySeconds,
    revisionHistoryLimit,
    selector,
    template,
    updateStrategy: 'How pods are replaced when the template changes.',
  },
  ControllerRevision: { about: 'A past state of a controller.', data: 'The state.', revision: 'Its number.' },
};

export const batchWords: Words = {
  Job: { about: 'Runs pods until enough of them have succeeded.' },
  JobSpec: {
    about: 'What is wanted of a Job.',
    activeDeadlineSeconds: 'Seconds after which the Job fails.',
    backoffLimit: 'Failures after which the Job fails; default 6.',
    completionMode: '`NonIndexed` (default) or `Indexed`.',
    completions: 'Successes that are wanted.',
    parallelism: 'Most pods at a time; default 1.',
    selector: 'Labels of the pods; made by the server.',
    suspend: 'Holds the Job back.',
    template,
    ttlSecondsAfterFinished: 'Seconds after the end until the Job is deleted.',
  },
  JobTemplateSpec: {
    about: 'The Jobs that a CronJob makes.',
    metadata: 'Labels and annotations of the Jobs.',
    spec: 'What is wanted of the Jobs.',
  },
  CronJob: { about: 'Makes Jobs at set times.' },
  CronJobSpec: {
    about: 'When Jobs are made, and which.',
    concurrencyPolicy: '`Allow` (default), `Forbid` or `Replace` when the last Job still runs.',
    failedJobsHistoryLimit: 'Failed Jobs that are kept; default 1.',
    jobTemplate: 'The Jobs.',
    schedule: 'The times, in Cron format.',
    startingDeadlineSeconds: 'Seconds by which a start may be late.',
    successfulJobsHistoryLimit: 'Successful Jobs that are kept; default 3.',
    suspend: 'Makes no further Jobs.',
    timeZone: 'Time zone of the schedule.',
  },
};

export const scaleWords: Words = {
  Scale: { about: 'The number of pods of an object, apart from everything else of it.' },
  ScaleSpec: { about: 'How many pods are wanted.', replicas: 'Number of pods.' },
  ScaleStatus: {
    about: 'How many pods there are.',
    replicas: 'Number of pods.',
    selector: 'Labels of the pods, as text.',
  },
};

export const autoscalingWords: Words = {
  HorizontalPodAutoscaler: { about: 'Changes the number of pods of an object by what is measured.' },
  HorizontalPodAutoscalerSpec: {
    about: 'What is scaled, within which bounds, by which measurements.',
    behavior: 'How fast it may grow and shrink.',
    maxReplicas: 'Most pods.',
    metrics:
      'Measurements and their targets; the one that asks for most pods counts; default 80% of the requested CPU.',
    minReplicas: 'Fewest pods; default 1.',
    scaleTargetRef: 'The object that is scaled.',
  },
  HorizontalPodAutoscalerStatus: {
    about: 'What was last seen and decided.',
    conditions,
    currentMetrics: 'What was last measured.',
    currentReplicas: 'Number of pods that there are.',
    desiredReplicas: 'Number of pods that was last decided on.',
    lastScaleTime: 'When the number last changed.',
    observedGeneration,
  },
  HorizontalPodAutoscalerBehavior: {
    about: 'How fast the number may change.',
    scaleDown: 'When it shrinks.',
    scaleUp: 'When it grows.',
  },
  HPAScalingRules: {
    about: 'How fast the number may change in one direction.',
    policies: 'Most change in a period.',
    selectPolicy: '`Max` (default), `Min` or `Disabled`: which policy counts.',
    stabilizationWindowSeconds: 'Seconds over which past decisions hold the change back; 0 up, 300 down by default.',
    tolerance: 'Deviation from the target that is ignored.',
  },
  HPAScalingPolicy: {
    about: 'Most change in a period.',
    periodSeconds: 'The period, 1 to 1800.',
    type: '`Pods` or `Percent`.',
    value: 'How much.',
  },
  CrossVersionObjectReference: { about: 'Names an object.', name: 'Name of the object.' },
  MetricSpec: {
    about: 'One measurement and its target; the field that `type` names.',
    containerResource: 'CPU or memory of one container of each pod.',
    external: 'A measurement that belongs to no object of the cluster.',
    object: 'A measurement of one object.',
    pods: 'A measurement of each pod.',
    resource: 'CPU or memory of each pod.',
    type: '`Resource`, `ContainerResource`, `Pods`, `Object` or `External`.',
  },
  MetricTarget: {
    about: 'What is aimed at.',
    averageUtilization: 'Percent of the request, on average.',
    averageValue: 'Amount a pod, on average.',
    type: '`Utilization`, `Value` or `AverageValue`.',
    value: 'Amount in all.',
  },
  ResourceMetricSource: {
    about: 'CPU or memory of each pod.',
    name: '`cpu` or `memory`.',
    target: 'What is aimed at.',
  },
  ContainerResourceMetricSource: {
    about: 'CPU or memory of one container of each pod.',
    container: 'The container.',
    name: '`cpu` or `memory`.',
    target: 'What is aimed at.',
  },
  PodsMetricSource: { about: 'A measurement of each pod.', metric: 'The measurement.', target: 'What is aimed at.' },
  ObjectMetricSource: {
    about: 'A measurement of one object.',
    describedObject: 'The object.',
    metric: 'The measurement.',
    target: 'What is aimed at.',
  },
  ExternalMetricSource: {
    about: 'A measurement from outside.',
    metric: 'The measurement.',
    target: 'What is aimed at.',
  },
  MetricIdentifier: { about: 'Names a measurement.', name: 'Its name.', selector: 'Labels that narrow it down.' },
};

export const olderAutoscalingWords: Words = {
  HorizontalPodAutoscaler: { about: 'Changes the number of pods of an object by the CPU they use.' },
  HorizontalPodAutoscalerSpec: {
    about: 'What is scaled, within which bounds, and the CPU aimed at; whatever else counts is in annotations.',
    maxReplicas: 'Most pods.',
    minReplicas: 'Fewest pods; default 1.',
    scaleTargetRef: 'The object that is scaled.',
    targetCPUUtilizationPercentage: 'Percent of the requested CPU, on average of the pods.',
  },
  HorizontalPodAutoscalerStatus: {
    about: 'What was last seen and decided.',
    currentCPUUtilizationPercentage: 'Percent of the requested CPU that was last measured.',
    currentReplicas: 'Number of pods that there are.',
    desiredReplicas: 'Number of pods that was last decided on.',
    lastScaleTime: 'When the number last changed.',
    observedGeneration,
  },
  CrossVersionObjectReference: { about: 'Names an object.', name: 'Name of the object.' },
};

export const policyWords: Words = {
  PodDisruptionBudget: { about: 'Bounds how many pods may be evicted at a time.' },
  PodDisruptionBudgetSpec: {
    about: 'Which pods, and how many of them.',
    maxUnavailable: 'Most that may be missing after an eviction; number or percentage.',
    minAvailable: 'Fewest that must remain after an eviction; number or percentage.',
    selector: 'Labels of the pods.',
    unhealthyPodEvictionPolicy:
      'Whether pods that are not ready may always be evicted: `IfHealthyBudget` or `AlwaysAllow`.',
  },
  PodDisruptionBudgetStatus: {
    about: 'What was last counted.',
    conditions,
    currentHealthy: 'Pods that are ready.',
    desiredHealthy: 'Pods that must be ready.',
    disruptedPods: 'Pods that are being evicted, and since when.',
    disruptionsAllowed: 'Evictions that are allowed now.',
    expectedPods: 'Pods that are counted.',
    observedGeneration,
  },
  Eviction: {
    about: 'Asks for a pod to be deleted within its disruption budgets.',
    deleteOptions: 'How it is deleted.',
  },
};
