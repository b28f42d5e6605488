// Names of the plugins of admission that work only where they are asked for; upstream has them off as well.
// Names alone: what each does is in a file of its own.

export const OPTIONAL_PLUGINS = ['DenyServiceExternalIPs'] as const;

export type OptionalPlugin = (typeof OPTIONAL_PLUGINS)[number];
