// What becomes of the fields of workloads: how many pods there are, and how one generation follows another.
// Verdicts only.
import { everyHonoured, everyIgnored, honoured, ignored, moot, type Verdicts } from '../verdict.ts';

const at = (name: string): string => `src/control/controllers/${name}.test.ts`;
const DEPLOYMENT = at('deployment/deployment');
const REPLICA_SET = at('replicaset/replicaset');
const STATEFUL_SET = at('statefulset/statefulset');
const DAEMON_SET = at('daemonset/daemonset');
const JOB = at('job/job');
const JOB_DECISIONS = at('job/decisions');
const CRON_JOB = at('cronjob/cronjob');
const VOLUMES = at('persistent-volume/persistent-volume');
const NO_POPULATORS = 'volumes begin empty: there are no snapshots and no populators';
const NO_CLASSES = 'there are no classes of volume attributes';

export const workloadVerdicts: Verdicts = {
  'apps.v1.DeploymentSpec': {
    ...honoured(DEPLOYMENT, 'minReadySeconds', 'paused', 'progressDeadlineSeconds', 'replicas', 'revisionHistoryLimit'),
    ...honoured(DEPLOYMENT, 'selector', 'strategy', 'template'),
  },
  'apps.v1.DeploymentStrategy': everyHonoured(DEPLOYMENT),
  'apps.v1.RollingUpdateDeployment': everyHonoured(DEPLOYMENT),
  'core.v1.PodTemplateSpec': everyHonoured(DEPLOYMENT),
  'apps.v1.ReplicaSetSpec': everyHonoured(REPLICA_SET),
  'apps.v1.StatefulSetSpec': everyHonoured(STATEFUL_SET),
  'apps.v1.StatefulSetOrdinals': everyHonoured(STATEFUL_SET),
  'apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy': everyHonoured(STATEFUL_SET),
  'apps.v1.StatefulSetUpdateStrategy': everyHonoured(STATEFUL_SET),
  'apps.v1.RollingUpdateStatefulSetStrategy': {
    ...honoured(STATEFUL_SET, 'partition'),
    ...honoured(at('statefulset/decide'), 'maxUnavailable'),
  },
  'core.v1.PersistentVolumeClaim': {
    ...honoured(STATEFUL_SET, 'metadata', 'spec'),
    ...moot('a template of claims is of one kind', 'apiVersion', 'kind'),
    ...moot('what a server writes', 'status'),
  },
  'core.v1.PersistentVolumeClaimSpec': {
    ...honoured(VOLUMES, 'accessModes', 'resources', 'storageClassName', 'volumeName'),
    ...honoured(at('persistent-volume/match'), 'selector', 'volumeMode'),
    ...ignored(NO_POPULATORS, 'dataSource', 'dataSourceRef'),
    ...ignored(NO_CLASSES, 'volumeAttributesClassName'),
  },
  'core.v1.TypedLocalObjectReference': everyIgnored(NO_POPULATORS),
  'core.v1.TypedObjectReference': everyIgnored(NO_POPULATORS),
  'core.v1.VolumeResourceRequirements': {
    ...honoured(VOLUMES, 'requests'),
    ...ignored('the size of volumes is not bounded', 'limits'),
  },
  'apps.v1.DaemonSetSpec': everyHonoured(DAEMON_SET),
  'apps.v1.DaemonSetUpdateStrategy': everyHonoured(DAEMON_SET),
  'apps.v1.RollingUpdateDaemonSet': everyHonoured(DAEMON_SET),
  'batch.v1.JobSpec': {
    ...honoured(JOB, 'activeDeadlineSeconds', 'backoffLimit', 'backoffLimitPerIndex', 'completionMode', 'completions'),
    ...honoured(
      JOB,
      'managedBy',
      'parallelism',
      'podFailurePolicy',
      'selector',
      'successPolicy',
      'suspend',
      'template',
    ),
    ...honoured(JOB, 'ttlSecondsAfterFinished'),
    ...honoured(JOB, 'manualSelector', 'maxFailedIndexes'),
    ...honoured(JOB_DECISIONS, 'podReplacementPolicy'),
  },
  'batch.v1.PodFailurePolicy': everyHonoured(JOB),
  'batch.v1.PodFailurePolicyRule': {
    ...honoured(JOB, 'action', 'onExitCodes'),
    ...honoured(JOB_DECISIONS, 'onPodConditions'),
  },
  'batch.v1.PodFailurePolicyOnExitCodesRequirement': {
    ...honoured(JOB, 'operator', 'values'),
    ...honoured(JOB_DECISIONS, 'containerName'),
  },
  'batch.v1.PodFailurePolicyOnPodConditionsPattern': everyHonoured(JOB_DECISIONS),
  'batch.v1.SuccessPolicy': everyHonoured(JOB),
  'batch.v1.SuccessPolicyRule': everyHonoured(JOB_DECISIONS),
  'batch.v1.CronJobSpec': {
    ...honoured(CRON_JOB, 'concurrencyPolicy', 'jobTemplate', 'schedule', 'successfulJobsHistoryLimit', 'suspend'),
    ...honoured(CRON_JOB, 'failedJobsHistoryLimit', 'startingDeadlineSeconds', 'timeZone'),
  },
  'batch.v1.JobTemplateSpec': everyHonoured(CRON_JOB),
};
