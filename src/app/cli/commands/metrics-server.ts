// `evenkeel metrics-server`: the APIs of metrics for any cluster, behind its API server, in place of metrics-server and prometheus-adapter.
// Knows its options; what is served is metrics-server/.
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { UsageFailure } from '../../failure.ts';
import { openLog } from '../../main/file-log.ts';
import { Shutdown } from '../../main/shutdown.ts';
import { APIS, type ApiName } from '../../metrics-server/register.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { addPrometheusOptions, type PrometheusFlags, prometheusOf } from '../prometheus-options.ts';
import { signalled } from '../signals.ts';
import { parseAddress, parseList, parsePort } from '../values.ts';

interface Options extends ConnectOptions, PrometheusFlags {
  readonly bindAddress: string;
  readonly securePort: number;
  readonly service: { readonly namespace: string; readonly name: string };
  readonly advertiseAddress?: string;
  readonly apis?: readonly string[];
  readonly register: boolean;
  readonly verbose: boolean;
}

const SERVICE = { namespace: 'kube-system', name: 'evenkeel-metrics' };

export function metricsServerCommand(): Command {
  const command = new Command('metrics-server')
    .summary('serve metrics to autoscalers and kubectl top, in any cluster')
    .description(
      'Serves metrics.k8s.io from the kubelets, and custom.metrics.k8s.io and external.metrics.k8s.io from pods that ask for it by annotation and from a Prometheus, behind the API server of any cluster: it registers itself by APIServices, takes the word of the API server for who asks, and asks it by TokenReview and SubjectAccessReview otherwise. It stands in for metrics-server and for prometheus-adapter.',
    )
    .option('--kubeconfig <file>', 'the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .addOption(new Option('--bind-address <address>', 'where to listen').argParser(parseAddress).default('0.0.0.0'))
    .addOption(
      new Option('--secure-port <port>', 'port to listen on; 0 takes a free one').argParser(parsePort).default(4443),
    )
    .addOption(
      new Option('--service <namespace/name>', 'Service by which the API server reaches it')
        .argParser(parseService)
        .default(SERVICE, `${SERVICE.namespace}/${SERVICE.name}`),
    )
    .addOption(
      new Option(
        '--advertise-address <address>',
        'address of this machine for the API server: the Service and its EndpointSlice are made as well. Left out, the Service is there and selects the pods of this command',
      ).argParser(parseAddress),
    )
    .addOption(
      new Option(
        '--apis <name,...>',
        `which to register: ${Object.keys(APIS).join(', ')} (default: resource and custom, and external with --prometheus-url)`,
      ).argParser(parseList),
    )
    .option('--no-register', 'write no APIService: somebody else does')
    .option('--verbose', 'log in detail', false);
  return addPrometheusOptions(command, 60_000)
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel metrics-server --kubeconfig ~/.kube/config --advertise-address 192.0.2.10
  $ evenkeel metrics-server --prometheus-url http://prometheus.monitoring:9090 --prometheus-rules rules.yaml`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const prometheus = await prometheusOf(options);
  const apis = apisOf(options, prometheus !== undefined);
  const log = await openLog(options.verbose ? { verbose: true } : { stderr: 'warn' });
  const shutdown = new Shutdown(log, systemClock);
  const stop = signalled(['SIGINT', 'SIGTERM'], () => process.stderr.write('Stopping.\n'));
  try {
    const { client } = await connect(options);
    shutdown.add('client', () => client.close());
    const { startMetricsServer } = await import('../../metrics-server/run.ts');
    const { service, advertiseAddress, bindAddress: address, securePort } = options;
    const port = await startMetricsServer(
      { client, address, port: securePort, service, advertiseAddress, apis, prometheus, log },
      shutdown,
    );
    process.stdout.write(`Serving metrics on port ${port}. Ctrl-C ends it.\n`);
    if (!stop.aborted)
      await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  } finally {
    await shutdown.run();
    log.flush();
  }
}

function apisOf({ apis, register }: Options, withPrometheus: boolean): readonly ApiName[] {
  if (!register) return [];
  if (apis === undefined) return withPrometheus ? ['resource', 'custom', 'external'] : ['resource', 'custom'];
  const unknown = apis.find((name) => !Object.hasOwn(APIS, name));
  if (unknown !== undefined) {
    throw new UsageFailure(`No API is named "${unknown}"`, `Give --apis any of ${Object.keys(APIS).join(', ')}`);
  }
  return apis as readonly ApiName[];
}

function parseService(text: string): { namespace: string; name: string } {
  const [namespace = '', name = '', ...more] = text.split('/');
  if (namespace === '' || name === '' || more.length > 0) {
    throw new InvalidArgumentError('It is no Service: write namespace/name.');
  }
  return { namespace, name };
}
