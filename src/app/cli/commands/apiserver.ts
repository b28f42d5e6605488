// `evenkeel apiserver`: the API server alone, on a data directory of its own.
// Knows options and signals.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { defaultAutoscaling } from '#control/controllers/settings.ts';
import { systemClock } from '#lib/clock.ts';
import { codeOf, messageOf, UsageFailure } from '../../failure.ts';
import { startApi } from '../../main/api.ts';
import { createDataDir, dataDirAt } from '../../main/data-dir.ts';
import { openLog } from '../../main/file-log.ts';
import { acquireLock } from '../../main/instance-lock.ts';
import { defaultServiceCidr, serviceNetwork } from '../../main/network.ts';
import { clusterNodeLife, controllerSettings } from '../../main/node-life.ts';
import type { Bind } from '../../main/pages.ts';
import { openPki } from '../../main/pki.ts';
import { finishRestore } from '../../main/restore-journal.ts';
import { Shutdown } from '../../main/shutdown.ts';
import { type AccessFlags, accessOf, addAccessOptions } from '../access-options.ts';
import { type AutoscalingFlags, addAutoscalingOptions, autoscalingOf } from '../autoscaling-options.ts';
import { addNodeCidrOptions, type NodeCidrFlags, nodeCidrsOf } from '../node-cidr-options.ts';
import { addNodeLifeOptions, type NodeLifeFlags, nodeLifeOf } from '../node-life-options.ts';
import { metricsOption, serveControlMetrics } from '../run-controllers.ts';
import { parseAddress, parsePort } from '../values.ts';

interface Options extends NodeLifeFlags, NodeCidrFlags, AccessFlags, AutoscalingFlags {
  readonly advertiseAddress?: string;
  readonly data?: string;
  readonly apiPort: number;
  readonly controllers: boolean;
  readonly kubeletCertificateAuthority?: string;
  readonly serviceCidr: string;
  readonly metricsBindAddress: readonly Bind[];
  readonly verbose: boolean;
}

export function apiserverCommand(): Command {
  const command = new Command('apiserver')
    .summary('start the API server alone')
    .description(
      'Starts the Kubernetes API server with its store. Without --controllers objects are served and kept, and nobody acts on them.',
    )
    .option('--data <dir>', 'where store, certificates, logs and kubeconfig are kept (default: ~/.evenkeel)')
    .addOption(
      new Option('--api-port <port>', 'port to listen on; 0 takes a free one').argParser(parsePort).default(6443),
    )
    .addOption(
      new Option(
        '--advertise-address <address>',
        'address of this machine by which nodes and pods reach the server; it listens there as well as on 127.0.0.1',
      ).argParser(parseAddress),
    )
    .option('--controllers', 'run the controllers as well: a whole control plane, without nodes and traffic', false)
    .option(
      '--kubelet-certificate-authority <file>',
      'authority of the certificates that kubelets serve with (default: none is asked for, as they make their own)',
    )
    .option(
      '--service-cidr <range,...>',
      'addresses of Services: one range, or one of each family; more can be added later as ServiceCIDR objects',
      defaultServiceCidr,
    )
    .addOption(metricsOption(10_257))
    .option('--verbose', 'log to standard error as well, in detail', false)
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel apiserver --data /tmp/api --api-port 0
  $ evenkeel apiserver --service-cidr 10.96.0.0/16,fd00:10:96::/112
  $ evenkeel apiserver --controllers --cluster-cidr 10.244.0.0/16 --advertise-address 192.0.2.10`,
    )
    .action(async (options: Options) => {
      const nodeCidrs = nodeCidrsOf(options);
      if (nodeCidrs.length > 0 && !options.controllers) {
        throw new UsageFailure(
          '--cluster-cidr is divided by a controller, and none runs here',
          'Give --controllers as well, or give --cluster-cidr to "evenkeel controllers"',
        );
      }
      const nodeLife = nodeLifeOf(options, clusterNodeLife);
      const network = serviceNetwork(
        options.serviceCidr,
        nodeCidrs.map(({ cidr }) => cidr),
      );
      const data = dataDirAt(options.data);
      createDataDir(data);
      const log = await openLog({ file: data.logFile, verbose: options.verbose });
      const shutdown = new Shutdown(log, systemClock);
      const stopped = Promise.withResolvers<void>();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve());
      try {
        const lock = acquireLock(data.lock, data.root);
        shutdown.add('lock', () => lock.release());
        finishRestore(data);
        const names = {
          nodes: [],
          apiAddresses: [network.kubernetesServiceAddress, ...listOf(options.advertiseAddress)],
        };
        const pki = await openPki(data.pki, names, systemClock.wall());
        const { tolerationSeconds } = nodeLife;
        const api = await startApi(
          {
            data,
            pki,
            network,
            tolerationSeconds,
            access: accessOf(options),
            kubeletCaPem: readAuthority(options.kubeletCertificateAuthority),
            port: options.apiPort,
            advertiseAddress: options.advertiseAddress,
            log,
            clock: systemClock,
          },
          shutdown,
        );
        lock.describe({ apiUrl: api.url });
        if (options.controllers) {
          const { startControlPlane } = await import('../../main/control-plane.ts');
          const settings = {
            ...controllerSettings(nodeLife),
            volumesDir: data.volumes,
            nodeCidrs,
            autoscaling: autoscalingOf(options),
          };
          const { metrics } = await startControlPlane(
            { apiUrl: api.url, pki, settings, log, clock: systemClock },
            shutdown,
          );
          shutdown.add('metrics', await serveControlMetrics(metrics, options.metricsBindAddress[0]));
        }
        process.stdout.write(`API server  ${api.url}\nexport KUBECONFIG=${data.kubeconfig}\n`);
        await stopped.promise;
      } finally {
        await shutdown.run();
        log.flush();
      }
    });
  return addNodeLifeOptions(
    addAutoscalingOptions(addNodeCidrOptions(addAccessOptions(command)), defaultAutoscaling),
    clusterNodeLife,
  );
}

const listOf = (text: string | undefined): string[] => (text === undefined ? [] : [text]);

function readAuthority(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageFailure(
      `Cannot read "${file}": ${codeOf(error) ?? messageOf(error)}`,
      'Name a readable PEM file with --kubelet-certificate-authority',
    );
  }
}
