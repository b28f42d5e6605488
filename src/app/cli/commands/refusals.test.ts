// What the commands of a node refuse at once, before they look for a cluster.
import { expect, test } from 'vitest';
import { kubeletCommand } from './kubelet.ts';
import { serviceProxyCommand } from './service-proxy.ts';
import { speakerCommand } from './speaker.ts';

const refused = async (command: ReturnType<typeof speakerCommand>, words: readonly string[]): Promise<unknown> =>
  command.parseAsync(words, { from: 'user' }).then(
    () => 'taken',
    ({ message, remedy }) => `${message}. ${remedy}`,
  );

test.each([
  ['--hostname-override Not_a_Node', /^Node name "not_a_node" is no DNS name\. Give --hostname-override /],
  ['--detect-local-mode ClusterCIDR', /^--detect-local-mode ClusterCIDR has no addresses .* --cluster-cidr/],
  ['--ipvs-scheduler rr', /^--ipvs-scheduler means nothing to --mode auto\. Give --mode ipvs/],
  ['--mode nftables --cgroup /sys/fs/cgroup', /^--cgroup means nothing to --mode nftables\. Give --mode ebpf/],
])('service-proxy %s', async (words, text) => {
  expect(await refused(serviceProxyCommand(), words.split(' '))).toMatch(text);
});

test.each([
  ['--node-name n1 --router-id foo', /^--router-id "foo" is no IPv4 address\. Give e\.g\. 192\.0\.2\.1/],
  ['--node-name Not_a_Node', /^Node name "Not_a_Node" is no DNS name\. Give --node-name /],
])('speaker %s', async (words, text) => {
  expect(await refused(speakerCommand(), words.split(' '))).toMatch(text);
});

test.each([
  ['--service-cidr 10.96.0.0/16', /^--service-cidr says what a Service proxy drops, .*Give --service-proxy as well/],
  ['--service-proxy auto --service-cidr ten', /^--service-cidr "ten" is no range\. Give --service-cidr e\.g\. /],
])('kubelet --node-name n1 %s', async (words, text) => {
  expect(await refused(kubeletCommand(), ['--node-name', 'n1', ...words.split(' ')])).toMatch(text);
});

test('kubelet --node-name Not_a_Node', async () => {
  expect(await refused(kubeletCommand(), ['--node-name', 'Not_a_Node'])).toMatch(/^Node name "Not_a_Node" is no DNS/);
});
