// The files of configMap, secret, downwardAPI and projected volumes, from the objects they name.
// Knows no directories; it says what each file holds.
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from 'kubernetes-types/core/v1.js';
import { type ObjectSource, secretData } from '../env/container-env.ts';
import { fieldValue, type PodFacts, resourceValue } from '../env/field-ref.ts';
import type { FileContent, Payload } from './atomic-writer.ts';
import type { TokenSource } from './tokens.ts';

const DEFAULT_MODE = 0o644;
const PRIVATE_MODE = 0o600;
const TOKEN_SECONDS = 3600;

/** A volume cannot be set up; the message becomes that of the `FailedMount` event. */
export class VolumeError extends Error {}

export interface PayloadInput {
  readonly pod: Pod;
  readonly facts: PodFacts;
  readonly objects: ObjectSource;
  readonly tokens: TokenSource;
}

interface Selection {
  readonly what: 'configmap' | 'secret';
  readonly name: string;
  readonly optional: boolean;
  readonly items: readonly KeyToPath[] | undefined;
  readonly mode: number;
}

function configMapData(map: ConfigMap): Record<string, Buffer> {
  const data: Record<string, Buffer> = {};
  for (const [key, value] of Object.entries(map.data ?? {})) data[key] = Buffer.from(value, 'utf8');
  for (const [key, value] of Object.entries(map.binaryData ?? {})) data[key] = Buffer.from(value, 'base64');
  return data;
}

function select(selection: Selection, data: Record<string, Buffer>): Map<string, FileContent> {
  const { items, mode, what, name, optional } = selection;
  if (items === undefined) {
    return new Map(Object.entries(data).map(([key, value]) => [key, { data: value, mode }]));
  }
  const files = new Map<string, FileContent>();
  for (const { key, path, mode: own = mode } of items) {
    const value = data[key];
    if (value !== undefined) files.set(path, { data: value, mode: own });
    else if (!optional) throw new VolumeError(`${what} "${name}" references non-existent key: ${key}`);
  }
  return files;
}

async function selected(input: PayloadInput, selection: Selection): Promise<Map<string, FileContent>> {
  const namespace = input.pod.metadata?.namespace ?? '';
  const { what, name, optional } = selection;
  if (what === 'configmap') {
    const found = await input.objects.configMap(namespace, name);
    if (found !== undefined) return select(selection, configMapData(found));
  } else {
    const found = await input.objects.secret(namespace, name);
    if (found !== undefined) return select(selection, secretData(found));
  }
  if (optional) return new Map();
  throw new VolumeError(`${what} "${name}" not found`);
}

function downward(
  input: PayloadInput,
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
): Map<string, FileContent> {
  const { pod, facts } = input;
  const files = new Map<string, FileContent>();
  for (const { path, fieldRef, resourceFieldRef, mode: own = mode } of items) {
    let text = '';
    if (fieldRef !== undefined) text = fieldValue(pod, fieldRef.fieldPath, facts);
    if (resourceFieldRef !== undefined) {
      const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
      const container = containers.find((one) => one.name === resourceFieldRef.containerName);
      if (container === undefined) {
        throw new VolumeError(`container "${resourceFieldRef.containerName}" of downward API file "${path}" not found`);
      }
      text = resourceValue(container, resourceFieldRef, facts);
    }
    files.set(path, { data: Buffer.from(text, 'utf8'), mode: own });
  }
  return files;
}

/** For the eyes of the pod's user alone, where it has one. Upstream: pkg/volume/projected. */
async function token(
  { pod, tokens }: PayloadInput,
  { audience = '', expirationSeconds = TOKEN_SECONDS, path }: ServiceAccountTokenProjection,
  mode: number,
): Promise<Payload> {
  const uid = commonUser(pod);
  const isPrivate = uid !== undefined || pod.spec?.securityContext?.fsGroup !== undefined;
  try {
    const text = await tokens.token(pod, { audience, expirationSeconds });
    const file = { data: Buffer.from(text, 'utf8'), mode: isPrivate ? PRIVATE_MODE : mode };
    return new Map([[path, uid === undefined ? file : { ...file, uid }]]);
  } catch (error) {
    throw new VolumeError(`failed to fetch token: ${(error as Error).message}`);
  }
}

/** The user that all containers of the pod run as, when there is one. */
function commonUser({ spec }: Pod): number | undefined {
  const users = new Set(
    [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(
      ({ securityContext }) => securityContext?.runAsUser ?? spec?.securityContext?.runAsUser,
    ),
  );
  return users.size === 1 ? [...users][0] : undefined;
}

async function projection(input: PayloadInput, source: VolumeProjection, mode: number): Promise<Payload> {
  if (source.configMap !== undefined) {
    const { name = '', optional = false, items } = source.configMap;
    return await selected(input, { what: 'configmap', name, optional, items, mode });
  }
  if (source.secret !== undefined) {
    const { name = '', optional = false, items } = source.secret;
    return await selected(input, { what: 'secret', name, optional, items, mode });
  }
  if (source.downwardAPI !== undefined) return downward(input, source.downwardAPI.items ?? [], mode);
  if (source.serviceAccountToken !== undefined) return await token(input, source.serviceAccountToken, mode);
  // Trust bundles and certificates of pods are issued by nobody here; what a pod does with the rest still works.
  return new Map();
}

/** The files of a volume; `undefined` when the volume is not made of objects. Throws `VolumeError`. */
export async function volumePayload(input: PayloadInput, volume: Volume): Promise<Payload | undefined> {
  if (volume.configMap !== undefined) {
    const { name = '', optional = false, items, defaultMode = DEFAULT_MODE } = volume.configMap;
    return await selected(input, { what: 'configmap', name, optional, items, mode: defaultMode });
  }
  if (volume.secret !== undefined) {
    const { secretName = '', optional = false, items, defaultMode = DEFAULT_MODE } = volume.secret;
    return await selected(input, { what: 'secret', name: secretName, optional, items, mode: defaultMode });
  }
  if (volume.downwardAPI !== undefined) {
    return downward(input, volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode ?? DEFAULT_MODE);
  }
  if (volume.projected !== undefined) {
    const files = new Map<string, FileContent>();
    for (const source of volume.projected.sources ?? []) {
      const part = await projection(input, source, volume.projected.defaultMode ?? DEFAULT_MODE);
      for (const [path, content] of part) files.set(path, content);
    }
    return files;
  }
  return undefined;
}
