// Writes what Prometheus and Grafana read into a directory: scrape configuration, rules, dashboards, provisioning.
// Knows the files of deploy/monitoring and the targets; starts nothing.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { codeOf, Failure, messageOf } from '../failure.ts';
import type { Job } from './targets.ts';

const SOURCE = fileURLToPath(new URL('../../../deploy/monitoring/', import.meta.url));

export interface MonitoringFiles {
  /** Absolute. */
  readonly directory: string;
  readonly jobs: readonly Job[];
  /** Seconds between two scrapes of a target. */
  readonly scrapeSeconds: number;
  /** Where Grafana finds Prometheus. */
  readonly prometheusUrl: string;
}

/** Overwrites the files it wrote before and leaves all others alone. Throws a `Failure` that names what cannot be written. */
export function writeMonitoring(files: MonitoringFiles): void {
  const { directory } = files;
  try {
    mkdirSync(join(directory, 'grafana', 'datasources'), { recursive: true });
    mkdirSync(join(directory, 'grafana', 'dashboards'), { recursive: true });
    writeFileSync(join(directory, 'prometheus.yml'), prometheusConfig(files));
    cpSync(join(SOURCE, 'rules.yml'), join(directory, 'rules.yml'));
    cpSync(join(SOURCE, 'dashboards'), join(directory, 'dashboards'), { recursive: true });
    writeFileSync(join(directory, 'grafana', 'datasources', 'evenkeel.yml'), datasource(files));
    writeFileSync(join(directory, 'grafana', 'dashboards', 'evenkeel.yml'), provider(files));
  } catch (error) {
    throw new Failure(
      `Cannot write to "${directory}": ${codeOf(error) ?? messageOf(error)}`,
      'Name a directory that can be written',
      { cause: error },
    );
  }
}

/** Without a time of its own a scrape may take as long as there is to the next, ten seconds at most. */
export function prometheusConfig({ jobs, scrapeSeconds }: Pick<MonitoringFiles, 'jobs' | 'scrapeSeconds'>): string {
  const interval = `${scrapeSeconds}s`;
  const config = {
    global: {
      scrape_interval: interval,
      scrape_timeout: `${Math.min(scrapeSeconds, 10)}s`,
      evaluation_interval: interval,
    },
    rule_files: ['rules.yml'],
    scrape_configs: jobs.map(({ name, path, targets, tls }) => ({
      job_name: name,
      metrics_path: path,
      ...(tls === undefined
        ? {}
        : {
            scheme: 'https',
            tls_config: { ca_file: tls.caFile, cert_file: tls.clientFile, key_file: tls.clientFile },
          }),
      static_configs: targets.map(({ address, labels }) => ({
        targets: [address],
        ...(Object.keys(labels).length === 0 ? {} : { labels }),
      })),
    })),
  };
  return `# Written by "evenkeel monitoring"; write it anew when addresses have changed.\n${stringify(config)}`;
}

function datasource({ prometheusUrl }: MonitoringFiles): string {
  return stringify({
    apiVersion: 1,
    datasources: [
      { name: 'Evenkeel', uid: 'evenkeel', type: 'prometheus', access: 'proxy', url: prometheusUrl, isDefault: true },
    ],
  });
}

function provider({ directory }: MonitoringFiles): string {
  const options = { path: join(directory, 'dashboards') };
  return stringify({ apiVersion: 1, providers: [{ name: 'Evenkeel', folder: 'Evenkeel', type: 'file', options }] });
}
