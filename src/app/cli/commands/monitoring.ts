// `evenkeel monitoring`: a directory with which Prometheus and Grafana show the running cluster.
// Knows its options; what is scraped and what is written, others know.
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { dataDirAt } from '../../main/data-dir.ts';
import { isAlive, readInstance } from '../../main/instance-lock.ts';
import { clusterJobs, gatewayJob, type Job } from '../../monitoring/targets.ts';
import { writeMonitoring } from '../../monitoring/write.ts';
import { connect } from '../connect.ts';
import { parseDuration } from '../values.ts';

interface Options {
  readonly data?: string;
  readonly gateway: readonly string[];
  readonly scrapeInterval: number;
  readonly prometheusUrl: string;
}

export function monitoringCommand(): Command {
  return new Command('monitoring')
    .summary('write what Prometheus and Grafana need to show the running cluster')
    .description(
      'Writes a scrape configuration with the addresses of the running cluster, recording rules, alerts and dashboards to a directory. Nothing is started, and nothing else in the directory is touched. Write it anew when nodes were added, or after a restart that changed ports.',
    )
    .argument('[dir]', 'where to', 'evenkeel-monitoring')
    .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
    .addOption(
      new Option('--gateway <host:port>', 'admin page of an "evenkeel gateway" to scrape as well (repeatable)')
        .argParser((text: string, all: readonly string[]) => [...all, parseTarget(text)])
        .default([], 'none'),
    )
    .addOption(
      new Option('--scrape-interval <duration>', 'time between two looks at each part')
        .argParser(parseInterval)
        .default(5000, '5s'),
    )
    .option('--prometheus-url <url>', 'where Grafana will find Prometheus', 'http://127.0.0.1:9090')
    .addHelpText(
      'after',
      `
What is written:
  prometheus.yml   a job for each part: evenkeel (gateway, DNS, controllers), evenkeel-apiserver,
                   evenkeel-kubelet (a node's pods, service proxy and speaker), evenkeel-resources
                   (CPU and memory); keys are named where they lie in the data directory, not copied
  rules.yml        recording rules, and alerts on errors, latency, saturation, endpoints, ejections,
                   certificates and autoscalers
  dashboards/      gateway, services, autoscaling, nodes: for Grafana, by import or by provisioning
  grafana/         provisioning that finds both

For a Prometheus that runs in a cluster, take deploy/monitoring/prometheus.yml of the repository.

Examples:
  $ evenkeel monitoring /tmp/monitoring
  $ prometheus --config.file=/tmp/monitoring/prometheus.yml --storage.tsdb.path=/tmp/monitoring/tsdb
  $ GF_PATHS_PROVISIONING=/tmp/monitoring/grafana grafana server
  $ evenkeel monitoring --gateway 127.0.0.1:9901`,
    )
    .action(async (dir: string, options: Options) => {
      const directory = resolve(dir);
      const jobs = [...(await jobsOfCluster(options)), ...gatewayJob(options.gateway)];
      const { prometheusUrl } = options;
      writeMonitoring({ directory, jobs, scrapeSeconds: options.scrapeInterval / 1000, prometheusUrl });
      process.stdout.write(tell(directory, jobs));
    });
}

/** A gateway alone is enough: then there need be no cluster. */
async function jobsOfCluster(options: Options): Promise<readonly Job[]> {
  const data = dataDirAt(options.data);
  const instance = readInstance(data.lock);
  const runs = instance !== undefined && isAlive(instance);
  if (!runs && options.data === undefined && options.gateway.length > 0) return [];
  const { client } = await connect({ data: data.root });
  try {
    return await clusterJobs(client, data);
  } finally {
    await client.close();
  }
}

function tell(directory: string, jobs: readonly Job[]): string {
  const wide = Math.max(...jobs.map(({ name }) => name.length));
  const lines = jobs.map(({ name, about, targets }) => {
    const places = targets.map(({ address }) => address).join(' ');
    return `  ${name.padEnd(wide)}  ${places}  ${about}\n`;
  });
  return `Wrote ${directory}: prometheus.yml, rules.yml, dashboards/, grafana/
Scraped will be
${lines.join('')}
prometheus --config.file=${directory}/prometheus.yml --storage.tsdb.path=${directory}/tsdb
GF_PATHS_PROVISIONING=${directory}/grafana grafana server
`;
}

function parseTarget(text: string): string {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const address = host.replace(/^\[(.*)\]$/, '$1');
  const isName = /^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$/.test(host);
  if ((isIP(address) === 0 && !isName) || Number(port) > 65_535 || (isIP(address) === 6 && !host.startsWith('['))) {
    throw new InvalidArgumentError('Give host:port, e.g. 127.0.0.1:9901 or [::1]:9901.');
  }
  return text;
}

function parseInterval(text: string): number {
  const ms = parseDuration(text);
  if (ms < 1000 || ms % 1000 !== 0) throw new InvalidArgumentError('Give whole seconds, 1s at least.');
  return ms;
}
