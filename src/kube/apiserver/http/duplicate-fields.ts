// Finds fields that stand twice in one object of a JSON text, which JSON.parse hides.
// Knows JSON only; expects text that JSON.parse has accepted.

/** Messages as upstream words them, e.g. `duplicate field "spec.replicas"`, each once. */
export function duplicateFields(json: string): string[] {
  const found = new Set<string>();
  const frames: Frame[] = [];
  let at = 0;
  while (at < json.length) {
    const char = json[at];
    const frame = frames.at(-1);
    if (char === '"') {
      const end = endOfString(json, at);
      if (frame?.keys !== undefined && frame.expectsKey) {
        const key = JSON.parse(json.slice(at, end)) as string;
        frame.step = key;
        if (frame.keys.has(key)) found.add(`duplicate field ${JSON.stringify(pathOf(frames))}`);
        frame.keys.add(key);
        frame.expectsKey = false;
      }
      at = end;
      continue;
    }
    if (char === '{') frames.push({ keys: new Set(), expectsKey: true, step: '' });
    else if (char === '[') frames.push({ keys: undefined, expectsKey: false, step: 0 });
    else if (char === '}' || char === ']') frames.pop();
    else if (char === ',' && frame !== undefined) {
      if (frame.keys !== undefined) frame.expectsKey = true;
      else frame.step = Number(frame.step) + 1;
    }
    at++;
  }
  return [...found];
}

interface Frame {
  /** Undefined in an array. */
  readonly keys: Set<string> | undefined;
  expectsKey: boolean;
  /** The key or index the frame stands at. */
  step: string | number;
}

function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function pathOf(frames: readonly Frame[]): string {
  let path = '';
  for (const { step } of frames) {
    if (typeof step === 'number') path += `[${step}]`;
    else path += path === '' ? step : `.${step}`;
  }
  return path;
}
