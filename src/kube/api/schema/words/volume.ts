// Descriptions of volumes and of claims to storage.
// Text only.
import type { Words } from './make.ts';

const items = 'Keys that become files, with their paths; all keys when absent.';
const mode = 'Permissions of the files, 0 to 0777 (octal in YAML, decimal in JSON); default 0644.';
const optional = 'Absence is no mistake.';

export const volumeWords: Words = {
  Volume: {
    about: 'A directory that containers can mount; one source.',
    configMap: 'Files from a ConfigMap.',
    csi: 'Storage of a CSI driver that lives with the pod.',
    downwardAPI: 'Files about the pod itself.',
    emptyDir: 'An empty directory that lives as long as the pod.',
    ephemeral: 'A claim that is made and deleted with the pod.',
    hostPath: 'A file or directory of the node.',
    image: 'The content of an OCI image or artifact.',
    name: 'Name that mounts refer to; once in the pod.',
    nfs: 'A directory of an NFS server.',
    persistentVolumeClaim: 'Storage by a claim.',
    projected: 'Several sources in one directory.',
    secret: 'Files from a Secret.',
  },
  VolumeMount: {
    about: 'Where a volume appears in a container.',
    mountPath: 'Path in the container; without `:`.',
    mountPropagation: 'How mounts spread between node and container.',
    name: 'The volume.',
    readOnly: 'Forbids writing; default false.',
    recursiveReadOnly: 'Makes mounts below it read-only too.',
    subPath: 'Path within the volume; its root by default.',
    subPathExpr: 'As `subPath`, with `$(NAME)` for environment variables.',
  },
  VolumeDevice: {
    about: 'A block device in a container.',
    devicePath: 'Path of the device.',
    name: 'The claim’s volume.',
  },
  KeyToPath: { about: 'A key and the file it becomes.', key: 'The key.', mode, path: 'Path of the file, relative.' },
  ConfigMapVolumeSource: {
    about: 'Files from a ConfigMap.',
    defaultMode: mode,
    items,
    name: 'The ConfigMap.',
    optional,
  },
  SecretVolumeSource: { about: 'Files from a Secret.', defaultMode: mode, items, optional, secretName: 'The Secret.' },
  EmptyDirVolumeSource: {
    about: 'An empty directory that lives as long as the pod.',
    medium: 'Empty for disk, `Memory` for RAM.',
    sizeLimit: 'Most that may be stored.',
  },
  HostPathVolumeSource: {
    about: 'A file or directory of the node.',
    path: 'Path on the node.',
    type: 'What must be there, or is made.',
  },
  DownwardAPIVolumeSource: { about: 'Files about the pod.', defaultMode: mode, items: 'The files.' },
  DownwardAPIVolumeFile: {
    about: 'A file about the pod.',
    fieldRef: 'A field of the pod.',
    mode,
    path: 'Path of the file, relative.',
    resourceFieldRef: 'A request or limit of a container.',
  },
  ProjectedVolumeSource: { about: 'Several sources in one directory.', defaultMode: mode, sources: 'The sources.' },
  VolumeProjection: {
    about: 'One source of a projected volume.',
    configMap: 'A ConfigMap.',
    downwardAPI: 'The pod itself.',
    secret: 'A Secret.',
    serviceAccountToken: 'A token of the service account.',
  },
  ServiceAccountTokenProjection: {
    about: 'A token of the service account as a file.',
    audience: 'Whom the token is for; the API server by default.',
    expirationSeconds: 'Seconds that the token is valid; default 3600, at least 600.',
    path: 'Path of the file, relative.',
  },
  NFSVolumeSource: {
    about: 'A directory of an NFS server.',
    path: 'The directory.',
    readOnly: 'Forbids writing.',
    server: 'The server.',
  },
  PersistentVolumeClaimVolumeSource: {
    about: 'Storage by a claim.',
    claimName: 'The claim.',
    readOnly: 'Forbids writing.',
  },
  PersistentVolume: { about: 'A piece of storage of the cluster.' },
  PersistentVolumeSpec: {
    about: 'What a piece of storage is.',
    accessModes: 'How it can be mounted, e.g. `ReadWriteOnce`.',
    capacity: 'Its size.',
    claimRef: 'The claim that has it.',
    mountOptions: 'Options of the mount.',
    nodeAffinity: 'Nodes that can reach it.',
    persistentVolumeReclaimPolicy: 'What happens when it is released: `Retain` (default), `Delete` or `Recycle`.',
    storageClassName: 'Its class.',
    volumeMode: '`Filesystem` (default) or `Block`.',
  },
  PersistentVolumeClaim: { about: 'A request for storage.' },
  PersistentVolumeClaimSpec: {
    about: 'The storage that is asked for.',
    accessModes: 'How it is to be mounted.',
    dataSource: 'Snapshot or claim to start from.',
    dataSourceRef: 'Object to start from, also in another namespace.',
    resources: 'The size.',
    selector: 'Labels of the volumes that will do.',
    storageClassName: 'The class.',
    volumeMode: '`Filesystem` (default) or `Block`.',
    volumeName: 'The volume that was bound.',
  },
  PersistentVolumeClaimStatus: {
    about: 'What was last seen of a claim.',
    accessModes: 'How the storage can be mounted.',
    capacity: 'Size of the storage.',
    conditions: 'Observations such as a resize.',
    phase: '`Pending`, `Bound` or `Lost`.',
  },
};
