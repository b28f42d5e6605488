// What becomes of the fields of volumes and their mounts.
// Verdicts only.
import { everyHonoured, everyIgnored, everyRefused, honoured, ignored, refused, type Verdicts } from '../verdict.ts';

const VOLUMES = 'src/kube/kubelet/volumes/volumes.test.ts';
const ISOLATION = 'src/kube/kubelet/isolation.test.ts';
const CLAIMS = 'test/workloads/workloads.test.ts';
const FOREIGN = 'the node has no driver for it: the pod waits, and a FailedMount event says so';
const NOT_ISSUED = 'nobody issues it here, so its file is missing from the volume';

const foreignSources = [
  'AWSElasticBlockStore',
  'AzureDisk',
  'AzureFile',
  'CephFS',
  'Cinder',
  'CSI',
  'FC',
  'Flex',
  'Flocker',
  'GCEPersistentDisk',
  'GitRepo',
  'Glusterfs',
  'Image',
  'ISCSI',
  'NFS',
  'PhotonPersistentDisk',
  'Portworx',
  'Quobyte',
  'RBD',
  'ScaleIO',
  'StorageOS',
  'Ephemeral',
].map((name) => `core.v1.${name}VolumeSource`);

export const volumeVerdicts: Verdicts = {
  'core.v1.Volume': {
    ...honoured(VOLUMES, 'configMap', 'downwardAPI', 'hostPath', 'name', 'projected', 'secret'),
    ...honoured(CLAIMS, 'persistentVolumeClaim'),
    ...honoured(ISOLATION, 'emptyDir'),
    ...refused(FOREIGN, 'awsElasticBlockStore', 'azureDisk', 'azureFile', 'cephfs', 'cinder', 'csi', 'ephemeral', 'fc'),
    ...refused(FOREIGN, 'flexVolume', 'flocker', 'gcePersistentDisk', 'gitRepo', 'glusterfs', 'image', 'iscsi', 'nfs'),
    ...refused(FOREIGN, 'photonPersistentDisk', 'portworxVolume', 'quobyte', 'rbd', 'scaleIO', 'storageos'),
    ...refused(FOREIGN, 'vsphereVolume'),
  },
  ...Object.fromEntries(foreignSources.map((type) => [type, everyRefused(FOREIGN)])),
  'core.v1.VsphereVirtualDiskVolumeSource': everyRefused(FOREIGN),
  'core.v1.PersistentVolumeClaimTemplate': everyRefused(FOREIGN),
  'core.v1.ConfigMapVolumeSource': everyHonoured(VOLUMES),
  'core.v1.SecretVolumeSource': {
    ...honoured(VOLUMES, 'items', 'optional', 'secretName'),
    ...honoured(ISOLATION, 'defaultMode'),
  },
  'core.v1.KeyToPath': everyHonoured(VOLUMES),
  'core.v1.DownwardAPIVolumeSource': everyHonoured(VOLUMES),
  'core.v1.DownwardAPIVolumeFile': everyHonoured(VOLUMES),
  'core.v1.EmptyDirVolumeSource': everyHonoured('src/kube/kubelet/storage.test.ts'),
  'core.v1.HostPathVolumeSource': everyHonoured(VOLUMES),
  'core.v1.PersistentVolumeClaimVolumeSource': {
    ...honoured(CLAIMS, 'claimName'),
    ...honoured('src/kube/kubelet/pod/container-mounts.test.ts', 'readOnly'),
  },
  'core.v1.ProjectedVolumeSource': everyHonoured(VOLUMES),
  'core.v1.VolumeProjection': {
    ...honoured(VOLUMES, 'configMap', 'downwardAPI', 'secret', 'serviceAccountToken'),
    ...ignored(NOT_ISSUED, 'clusterTrustBundle', 'podCertificate'),
  },
  'core.v1.ConfigMapProjection': everyHonoured(VOLUMES),
  'core.v1.SecretProjection': everyHonoured(VOLUMES),
  'core.v1.DownwardAPIProjection': everyHonoured(VOLUMES),
  'core.v1.ClusterTrustBundleProjection': everyIgnored(NOT_ISSUED),
  'core.v1.PodCertificateProjection': everyIgnored(NOT_ISSUED),
  'core.v1.ServiceAccountTokenProjection': everyHonoured(VOLUMES),
  'core.v1.VolumeMount': {
    ...honoured(ISOLATION, 'mountPath', 'mountPropagation', 'name', 'readOnly', 'recursiveReadOnly', 'subPath'),
    ...honoured(ISOLATION, 'subPathExpr'),
  },
};
