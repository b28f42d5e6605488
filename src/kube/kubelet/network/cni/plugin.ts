// A CNI plugin as its caller sees it: one verb with its arguments in, a result or a CniError out.
// An interface only; a binary and the built-in plugins stand behind it.

export type CniCommand = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

export interface CniCall {
  readonly command: CniCommand;
  /** Left out for GC, STATUS and VERSION. */
  readonly containerId?: string;
  /** Left out or empty when the namespace is gone, too. */
  readonly netns?: string;
  readonly ifName?: string;
  /** `KEY=value;KEY=value` */
  readonly args?: string;
  /** What a binary reads from its input. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface CniPlugin {
  /** Result of ADD and VERSION, `undefined` of the others. Throws `CniError`. */
  invoke(call: CniCall): Promise<unknown>;
  /** Of built-in plugins: removes what their containers shared. */
  close?(): Promise<void>;
}

/** Finds the plugin of a type; throws `CniError` when there is none. */
export type FindPlugin = (type: string) => CniPlugin;
