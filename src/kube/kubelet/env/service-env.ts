// The variables by which a container finds the Services that existed when it started.
// Pure: takes Services, returns variables; knows neither client nor informer.
import type { Service } from 'kubernetes-types/core/v1.js';

/** `web-api` -> `WEB_API`: upper case, and what a variable may not hold becomes an underscore. */
function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

function hasVirtualAddress(service: Service): boolean {
  const address = service.spec?.clusterIP;
  return address !== undefined && address !== '' && address !== 'None';
}

function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The variables of one Service: `X_SERVICE_HOST`, `X_SERVICE_PORT[_NAME]` and the older link form `X_PORT_80_TCP_*`. */
function variablesOf(service: Service): Record<string, string> {
  const prefix = variableName(service.metadata?.name ?? '');
  const address = service.spec?.clusterIP ?? '';
  const ports = service.spec?.ports ?? [];
  const variables: Record<string, string> = { [`${prefix}_SERVICE_HOST`]: address };
  for (const [index, { name, port, protocol = 'TCP' }] of ports.entries()) {
    if (index === 0) variables[`${prefix}_SERVICE_PORT`] = String(port);
    if (name !== undefined && name !== '') variables[`${prefix}_SERVICE_PORT_${variableName(name)}`] = String(port);
    const url = `${protocol.toLowerCase()}://${hostPort(address, port)}`;
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    if (index === 0) variables[`${prefix}_PORT`] = url;
    variables[link] = url;
    variables[`${link}_PROTO`] = protocol.toLowerCase();
    variables[`${link}_PORT`] = String(port);
    variables[`${link}_ADDR`] = address;
  }
  return variables;
}

/**
 * Service variables for a pod of `namespace`. Without `links` (spec.enableServiceLinks: false) only the API server's
 * own Service is named. (Upstream: pkg/kubelet/envvars, kubelet_pods.go getServiceEnvVarMap.)
 */
export function serviceVariables(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): Record<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    if (!hasVirtualAddress(service)) continue;
    const { namespace: home, name = '' } = service.metadata ?? {};
    if (home === namespace && links) chosen.set(name, service);
    else if (home === 'default' && name === 'kubernetes' && !chosen.has(name)) chosen.set(name, service);
  }
  const variables: Record<string, string> = {};
  for (const service of chosen.values()) Object.assign(variables, variablesOf(service));
  return variables;
}
