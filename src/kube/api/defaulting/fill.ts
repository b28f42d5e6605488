// The two ways in which a default is filled in.
// Knows no kind.

/** Sets what `object` leaves out (undefined); what it says stays, also when it is zero, false or empty. */
export function fill<T extends object>(object: T, defaults: Partial<T>): void {
  for (const key of Object.keys(defaults) as (keyof T)[]) {
    if (object[key] === undefined) object[key] = defaults[key] as T[keyof T];
  }
}

/** As `fill`, for plain Go fields, where zero, empty text and absence are one. */
export function fillZero<T extends object>(object: T, defaults: Partial<T>): void {
  for (const key of Object.keys(defaults) as (keyof T)[]) {
    const value: unknown = object[key];
    if (value === undefined || value === 0 || value === '') object[key] = defaults[key] as T[keyof T];
  }
}
