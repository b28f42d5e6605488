// The iptables driver under the contract of all layer-4 drivers.
import { spawnSync } from 'node:child_process';
import { describeL4Driver } from '../l4-driver.contract.ts';
import { createIptablesDriver } from './driver.ts';
import { chainPrefix } from './words.ts';

const inside = (netns: string, ...command: string[]): string => {
  const { status, stdout, stderr } = spawnSync('nsenter', [`--net=${netns}`, '--', ...command]);
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  return stdout.toString();
};

describeL4Driver('iptables', {
  create: (netns, owner, warn) => createIptablesDriver({ netns, owner, warn }),
  tracked: true,
  tools: ['iptables', 'ip6tables', 'iptables-restore', 'conntrack'],
  lacks: { source_hash: 'no match of iptables picks by the hash of a source without a mark of its own' },
  sabotage(netns, owner) {
    const prefix = chainPrefix(owner);
    inside(netns, 'iptables', '-t', 'nat', '-F', `${prefix}-ADDRESSES`);
    inside(netns, 'iptables', '-A', `${prefix}-UNSERVED`, '-j', 'DROP');
  },
  program: { module: new URL('./driver.ts', import.meta.url).href, create: 'createIptablesDriver' },
});
