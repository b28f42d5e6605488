// The command line of a node: `evenkeel kubelet`, and around it what puts it into a place of its own.
// Pure: words from settings.
import { NODE_LINK } from '../fabric/scripts.ts';

/**
 * First process of a node's PID namespace: gathers what pods leave behind as orphans, hands SIGTERM on, and ends with
 * the kubelet; with it the kernel ends whatever still runs in the namespace.
 */
const INIT = `
exec 3<&0
"$@" <&3 3<&- &
child=$!
exec 3<&- </dev/null
trap 'kill -TERM "$child" 2>/dev/null' TERM INT HUP
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done
`;

/**
 * Into the node's network namespace, then into a PID namespace with its own /proc. `--kill-child`: when the outer
 * process is killed, the kernel kills the inner one and so everything below it at once. Mounts go on to be shared with
 * the machine, so that `ip netns` there shows the pods of the node.
 */
export function namespaced(netns: string, command: readonly string[]): string[] {
  return [
    'nsenter',
    `--net=/run/netns/${netns}`,
    '--',
    'unshare',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--propagation=unchanged',
    '--',
    'sh',
    '-c',
    INIT,
    'evenkeel-node',
    ...command,
  ];
}

export interface NodeCommand {
  readonly name: string;
  readonly kubeconfig: string;
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
  readonly network: 'loopback' | 'bridge' | 'cni';
  readonly cni?: { readonly confDir: string; readonly binDirs: readonly string[] };
  readonly networkOwner?: string;
  readonly dataDir: string;
  readonly hidden: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly clusterDns: readonly string[];
  /** Whether Services are served on the node. */
  readonly servesServices: boolean;
  /** Ranges of ClusterIPs; only where it serves Services. */
  readonly serviceCidrs: readonly string[];
  /** Whether load-balancer addresses are announced from it, on the fabric. */
  readonly announces: boolean;
  /** Whether endpoints of silent nodes are left out on it; only where it announces. */
  readonly nodeLiveness: boolean;
  readonly imagesFile: string;
  readonly stubImages: boolean;
  readonly engine?: string;
  readonly port: number;
  readonly servingFile: string;
  readonly clientCaFile: string;
  readonly leaseSeconds: number;
  readonly podMaxPids: number;
  readonly statsSeconds: number;
  readonly sharesMachine: boolean;
  readonly graceSeconds: number;
  readonly logFile: string;
  readonly verbose: boolean;
}

/** What follows `evenkeel`. */
export function kubeletArguments(node: NodeCommand): string[] {
  const pairs: [string, string | undefined][] = [
    ['--kubeconfig', node.kubeconfig],
    ['--node-name', node.name],
    ['--node-ip', node.addresses.join(',')],
    ['--pod-cidr', node.podCidrs.join(',')],
    ['--network', node.network],
    ['--network-owner', node.networkOwner],
    ['--cni-conf', node.cni?.confDir],
    ...(node.cni?.binDirs ?? []).map((dir): [string, string] => ['--cni-bin', dir]),
    ['--data', node.dataDir],
    ...node.hidden.map((dir): [string, string] => ['--hide', dir]),
    ...Object.entries(node.labels).map(([key, value]): [string, string] => ['--node-labels', `${key}=${value}`]),
    ...node.clusterDns.map((address): [string, string] => ['--cluster-dns', address]),
    ['--images', node.imagesFile],
    ['--engine', node.engine],
    ['--port', String(node.port)],
    ['--tls-cert-file', node.servingFile],
    ['--tls-private-key-file', node.servingFile],
    ['--client-ca-file', node.clientCaFile],
    ['--node-lease-duration', `${node.leaseSeconds}s`],
    ['--pod-max-pids', String(node.podMaxPids)],
    ['--stats-interval', `${node.statsSeconds}s`],
    ['--grace-period', `${node.graceSeconds}s`],
    ['--drain-by', 'condition'],
    ['--service-proxy', node.servesServices ? 'auto' : undefined],
    ['--service-cidr', node.servesServices ? node.serviceCidrs.join(',') : undefined],
    ['--announce', node.announces ? NODE_LINK : undefined],
    ['--node-liveness', node.announces ? (node.nodeLiveness ? 'on' : 'off') : undefined],
    ['--log-file', node.logFile],
  ];
  const given = pairs.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  const switches = [
    ...(node.stubImages ? ['--stub-images'] : []),
    ...(node.sharesMachine ? ['--shares-machine'] : []),
    ...(node.servesServices ? ['--mesh'] : []),
    ...(node.verbose ? ['--verbose'] : []),
  ];
  return ['kubelet', ...given, ...switches, '--until-input-ends'];
}
