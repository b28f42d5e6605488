// Kernel functions that a program may call, by their numbers in the kernel's interface (linux/bpf.h).
// Only those in use. Which program type may call which is the verifier's business.

export const HELPERS = {
  /** (map, key) -> pointer to the value, or 0. */
  map_lookup_elem: 1,
  /** (map, key, value, flags) -> 0, or a negative error. */
  map_update_elem: 2,
  /** (map, key) -> 0, or a negative error. */
  map_delete_elem: 3,
  /** () -> nanoseconds since boot, without time spent suspended. */
  ktime_get_ns: 5,
  /** () -> 32 random bits. */
  get_prandom_u32: 7,
  /** (context) -> a number no other socket of this boot has. */
  get_socket_cookie: 46,
  /** (context) -> a number no other network namespace of this boot has. */
  get_netns_cookie: 122,
  /** (negative error) -> 0: what the system call returns when the program refuses. */
  set_retval: 187,
} as const;

export type Helper = keyof typeof HELPERS;
