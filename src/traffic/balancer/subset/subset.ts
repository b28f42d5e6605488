// Which endpoints a selector of labels lets in.
// One rule; knows nothing of what the labels mean.

export type Labels = Readonly<Record<string, string>>;

/** Every label of the selector is there with its value; an empty selector lets everybody in. */
export function inSubset(labels: Labels | undefined, selector: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels !== undefined && labels[name] === value);
}
