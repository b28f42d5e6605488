// Settings of the machine that several clusters may need at once: the first changes one, the last gives back what there was.
// Pure: text for a shell; knows settings by their path below /proc/sys/net, and clusters by their link.

/** A value that a setting has for as long as somebody holds it. */
export interface HeldSetting {
  /** Below /proc/sys/net, e.g. `ipv4/ip_forward`. */
  readonly path: string;
  readonly value: string;
}

/**
 * Who holds a setting, and what there was before, of each network namespace: /run goes with the machine, as settings do.
 * Two that come or go at the same time take turns.
 */
function underLock(setting: string, script: string): string {
  return `(
flock 9
of_namespace=/run/evenkeel-settings/$(stat -Lc %i /proc/self/ns/net)
dir=$of_namespace/${setting.replaceAll('/', '.')}
${script}
) 9</run
`;
}

/** The link must be there already: one whose link is gone counts as dead. Does nothing where the kernel has no such setting. */
export function holdScript({ path, value }: HeldSetting, link: string): string {
  return underLock(
    path,
    `if [ -e /proc/sys/net/${path} ]; then
  mkdir -p "$dir/holders"
  if [ ! -e "$dir/before" ]; then
    cat /proc/sys/net/${path} > "$dir/before.new"
    mv "$dir/before.new" "$dir/before"
  fi
  : > "$dir/holders/${link}"
  echo ${value} > /proc/sys/net/${path}
fi`,
  );
}

/** Once the link is gone. Harmless where nothing is held. */
export function releaseScript({ path }: HeldSetting, link: string): string {
  return underLock(
    path,
    `if [ -d "$dir" ]; then
  rm -f "$dir/holders/${link}"
  for holder in "$dir"/holders/*; do
    ip link show dev "\${holder##*/}" >/dev/null 2>&1 || rm -f "$holder"
  done
  if [ -z "$(ls "$dir/holders")" ]; then
    [ ! -e "$dir/before" ] || cat "$dir/before" > /proc/sys/net/${path}
    rm -rf "$dir"
    rmdir "$of_namespace" /run/evenkeel-settings 2>/dev/null || true
  fi
fi`,
  );
}
