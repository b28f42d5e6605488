// One policy's expressions on one write: conditions, variables as they are asked for, and a bound on what all may cost.
// Knows compiled expressions and values; what a result means is said by whoever asks.
import type { Compiled, SharedPrograms } from '#kube/api/admission/policy.ts';
import { CelError, Fields, type Value } from '#kube/api/cel/index.ts';

/** What all expressions of one policy may cost for one write; units of CEL's cost. */
const POLICY_BUDGET = 10_000_000;

/** `variables.x`: evaluated when an expression asks, once. */
class Variables extends Fields {
  readonly isMap = false;
  readonly #run: Run;
  readonly #known = new Map<string, Value>();
  constructor(run: Run) {
    super();
    this.#run = run;
  }
  get(name: string): Value | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const found = this.#run.policy.variables.find((each) => each.name === name);
    if (found === undefined) return undefined;
    const value = this.#run.value(found.program);
    this.#known.set(name, value);
    return value;
  }
  keys(): readonly string[] {
    return this.#run.policy.variables.map(({ name }) => name);
  }
}

export class Run {
  readonly policy: SharedPrograms;
  readonly #activation: Map<string, Value>;
  #left = POLICY_BUDGET;

  /** `activation` becomes the run's. */
  constructor(policy: SharedPrograms, activation: Map<string, Value>) {
    this.policy = policy;
    this.#activation = activation;
    activation.set('variables', new Variables(this));
  }

  /** Another object from here on: what variables came to is not true of it. */
  shows(object: Value): void {
    this.#activation.set('object', object).set('variables', new Variables(this));
  }

  /** Throws `CelError`. */
  value(program: Compiled): Value {
    if ('issue' in program) throw new CelError(`compilation error: ${program.issue}`);
    const outcome = program.evaluate(this.#activation);
    this.#left -= outcome.cost;
    if (this.#left < 0) {
      throw new CelError(
        'validation failed due to running out of cost budget, no further validation rules will be run',
      );
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Whether all match conditions hold; a false one decides over those that fail. */
  conditions(): boolean | CelError {
    let failure: CelError | undefined;
    for (const { name, program } of this.policy.conditions) {
      try {
        if (this.value(program) !== true) return false;
      } catch (error) {
        failure ??= new CelError(`failed to evaluate match condition '${name}': ${(error as Error).message}`);
      }
    }
    return failure ?? true;
  }
}
