// Upstream's names of definitions: clients cache and look things up by them.
// Knows names only.

const packages: Readonly<Record<string, string>> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
};

/** `core.v1.Container` -> `io.k8s.api.core.v1.Container`. */
export function publicName(short: string): string {
  const dot = short.indexOf('.');
  const group = short.slice(0, dot);
  return `${packages[group] ?? `io.k8s.api.${group}`}${short.slice(dot)}`;
}

/** A custom kind's name: the group's labels reversed, `stable.example.com` v1 CronTab -> `com.example.stable.v1.CronTab`. */
export function customName(group: string, version: string, kind: string): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`;
}

/** The two places where definitions live in the two versions of OpenAPI. */
export type RefPrefix = '#/components/schemas/' | '#/definitions/';
