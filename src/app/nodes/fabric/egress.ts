// The way of pods out of the machine, where they are given one: what is set on the machine for it, and what is not let in.
// Pure: from a plan to text for a shell.
import type { HeldSetting } from './held-settings.ts';
import type { FabricPlan } from './plan.ts';

type EgressPlan = Pick<FabricPlan, 'owner' | 'egress' | 'fabricCidrs' | 'podCidrs'>;

const FORWARDING: Readonly<Record<4 | 6, HeldSetting>> = {
  4: { path: 'ipv4/ip_forward', value: '1' },
  6: { path: 'ipv6/conf/all/forwarding', value: '1' },
};

/** The machine has to forward, as long as there is somebody to forward for. */
export function egressSettings({ egress = [] }: Pick<FabricPlan, 'egress'>): HeldSetting[] {
  return egress.map((family) => FORWARDING[family]);
}

/**
 * A machine that forwards would also carry what others send to the cluster: only answers get in. What goes out bears the
 * address of the machine, as nobody outside knows a way to pods.
 */
export function makeEgressScript(plan: EgressPlan, link: string): string {
  const { owner, egress = [] } = plan;
  if (egress.length === 0) return '';
  const masquerade = egress.map((family) => {
    const sources = [...plan.fabricCidrs, ...plan.podCidrs].filter((cidr) => cidr.includes(':') === (family === 6));
    const word = family === 6 ? 'ip6' : 'ip';
    return `add rule inet ${owner} out ${word} saddr { ${sources.join(', ')} } oifname != { "lo", "${link}" } masquerade`;
  });
  return `
nft -f - <<'END'
add table inet ${owner}
add chain inet ${owner} in { type filter hook forward priority filter; policy accept; }
add rule inet ${owner} in oifname "${link}" iifname != "${link}" ct state != { established, related } drop
add chain inet ${owner} out { type nat hook postrouting priority srcnat; policy accept; }
${masquerade.join('\n')}
END
`;
}

export function removeEgressScript({ owner, egress = [] }: EgressPlan): string {
  return egress.length === 0 ? '' : `nft delete table inet ${owner} 2>/dev/null || true\n`;
}
