// The nftables driver runs the suite of all layer-4 drivers, in namespaces of its own.
// Knows of its layout only what somebody needs to damage it.
import { describeL4Driver } from '../l4-driver.contract.ts';
import type { DriverSetup, Pace } from '../testing/driver-under-test.ts';
import { sh } from '../testing/lab-namespaces.ts';
import { createNftablesDriver } from './driver.ts';
import { tableName } from './layout.ts';
import type { WriterName } from './writer.ts';

const setup = (writer: WriterName, pace?: Pace): DriverSetup => ({
  create: (netns, owner, warn) => createNftablesDriver({ netns, owner, warn, writer }),
  tracked: true,
  tools: ['nft', 'conntrack'],
  pace,
  sabotage: (netns, owner) => {
    const table = tableName(owner);
    const damage = ['ip', 'ip6'].map(
      (ip) => `
        flush map ${ip} ${table} services
        flush map ${ip} ${table} service-ways
        flush map ${ip} ${table} ways
        flush set ${ip} ${table} cluster-ips
        add element ${ip} ${table} firewalled { ${ip === 'ip' ? '10.96.0.10' : 'fd00:10:96::a'} . tcp . 80 }`,
    );
    sh(`nft -f - <<'END'${damage.join('')}\nEND`, netns);
  },
  program: { module: new URL('./driver.ts', import.meta.url).href, create: 'createNftablesDriver' },
});

describeL4Driver('nftables by netlink', setup('netlink'));
// The same rules, brought by a program: what is of the family alone is shown above.
describeL4Driver('nftables by nft', setup('nft', { families: ['IPv4'], draws: 3 }));
