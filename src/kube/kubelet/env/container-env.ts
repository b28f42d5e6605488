// A container's variables from all their sources, in the order and with the errors of Kubernetes.
// Knows no client: ConfigMaps and Secrets come through the `ObjectSource` handed in.
import type { ConfigMap, Container, EnvVar, Pod, Secret } from 'kubernetes-types/core/v1.js';
import { expand } from './expansion.ts';
import { fieldValue, type PodFacts, resourceValue } from './field-ref.ts';

/** Fresh reads of the objects a pod refers to; `undefined` when there is none. */
export interface ObjectSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

/** The pod cannot start as written; its message becomes that of `CreateContainerConfigError`. */
export class ContainerConfigError extends Error {}

/** Data of a Secret, decoded. */
export function secretData(secret: Secret): Record<string, Buffer> {
  const data: Record<string, Buffer> = {};
  for (const [key, value] of Object.entries(secret.data ?? {})) data[key] = Buffer.from(value, 'base64');
  return data;
}

interface EnvInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly facts: PodFacts;
  readonly services: Readonly<Record<string, string>>;
  readonly objects: ObjectSource;
}

async function configMapOf(input: EnvInput, name: string, optional: boolean): Promise<ConfigMap | undefined> {
  const found = await input.objects.configMap(input.pod.metadata?.namespace ?? '', name);
  if (found === undefined && !optional) throw new ContainerConfigError(`configmap "${name}" not found`);
  return found;
}

async function secretOf(input: EnvInput, name: string, optional: boolean): Promise<Secret | undefined> {
  const found = await input.objects.secret(input.pod.metadata?.namespace ?? '', name);
  if (found === undefined && !optional) throw new ContainerConfigError(`secret "${name}" not found`);
  return found;
}

async function fromEnvFrom(input: EnvInput): Promise<Map<string, string>> {
  const variables = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of input.container.envFrom ?? []) {
    if (configMapRef !== undefined) {
      const found = await configMapOf(input, configMapRef.name ?? '', configMapRef.optional === true);
      for (const [key, value] of Object.entries(found?.data ?? {})) variables.set(prefix + key, value);
    }
    if (secretRef !== undefined) {
      const found = await secretOf(input, secretRef.name ?? '', secretRef.optional === true);
      if (found === undefined) continue;
      for (const [key, value] of Object.entries(secretData(found))) variables.set(prefix + key, value.toString('utf8'));
    }
  }
  return variables;
}

/** `undefined` leaves the variable out: its optional source is not there. */
async function referredValue(input: EnvInput, from: NonNullable<EnvVar['valueFrom']>): Promise<string | undefined> {
  const { pod, container, facts } = input;
  const namespace = pod.metadata?.namespace ?? '';
  if (from.fieldRef !== undefined) return fieldValue(pod, from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef !== undefined) {
    const named = from.resourceFieldRef.containerName;
    const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
    const target = named === undefined || named === '' ? container : all.find((one) => one.name === named);
    if (target === undefined) throw new ContainerConfigError(`container ${named} not found`);
    return resourceValue(target, from.resourceFieldRef, facts);
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional = false } = from.configMapKeyRef;
    const value = (await configMapOf(input, name, optional))?.data?.[key];
    if (value === undefined && !optional) {
      throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    }
    return value;
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional = false } = from.secretKeyRef;
    const found = await secretOf(input, name, optional);
    const value = found === undefined ? undefined : secretData(found)[key];
    if (value === undefined && !optional) {
      throw new ContainerConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    }
    return value?.toString('utf8');
  }
  return '';
}

/**
 * Variables of a container: `envFrom` first, then `env` in order (later ones see earlier ones), then what Services
 * add. Throws `ContainerConfigError` when something named is missing and not optional.
 * (Upstream: pkg/kubelet/kubelet_pods.go makeEnvironmentVariables.)
 */
export async function containerEnv(input: EnvInput): Promise<Record<string, string>> {
  const variables = await fromEnvFrom(input);
  const lookup = (name: string): string | undefined => variables.get(name) ?? input.services[name];
  for (const { name, value = '', valueFrom } of input.container.env ?? []) {
    if (value === '' && valueFrom !== undefined) {
      const referred = await referredValue(input, valueFrom);
      if (referred !== undefined) variables.set(name, referred);
    } else {
      variables.set(name, expand(value, lookup));
    }
  }
  return { ...input.services, ...Object.fromEntries(variables) };
}
