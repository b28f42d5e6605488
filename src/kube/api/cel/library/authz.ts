// Questions about permissions in CEL, for admission only: `authorizer.group('apps').resource('deployments').check('get')`.
// Knows how a question is put together; who answers is handed in. Source: k8s.io/apiserver/pkg/cel/library/authz.go.
import { define, type Overload } from '../signature.ts';
import { Opaque, type Value } from '../values.ts';

/** What is asked: a path, or an object of a resource. */
export interface PermissionQuestion {
  readonly path?: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** A service account in whose place the question is asked; the user of the request when left out. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

export type Answer = (
  verb: string,
  question: PermissionQuestion,
) => { readonly allowed: boolean; readonly reason: string };

abstract class Asking extends Opaque {
  readonly question: PermissionQuestion;
  readonly answer: Answer;
  constructor(answer: Answer, question: PermissionQuestion) {
    super();
    this.answer = answer;
    this.question = question;
  }
  equals(other: Value): boolean {
    return other === this;
  }
}

const NOTHING: PermissionQuestion = { group: '', resource: '', subresource: '', namespace: '', name: '' };

/** The variable `authorizer`. */
export class AuthorizerValue extends Asking {
  readonly typeName = 'kubernetes.authorization.Authorizer';
  readonly #asked: PermissionQuestion;
  /** `asked` is the object that a request is about. */
  constructor(answer: Answer, asked: PermissionQuestion, question: PermissionQuestion = NOTHING) {
    super(answer, question);
    this.#asked = asked;
  }
  override field(name: string): Value | undefined {
    return name === 'requestResource' ? new ResourceCheck(this.answer, this.#asked) : undefined;
  }
  inPlaceOf(serviceAccount: { readonly namespace: string; readonly name: string }): AuthorizerValue {
    return new AuthorizerValue(this.answer, { ...this.#asked, serviceAccount }, { ...NOTHING, serviceAccount });
  }
}
class GroupCheck extends Asking {
  readonly typeName = 'kubernetes.authorization.GroupCheck';
}
/** `authorizer.requestResource` is one as well. */
class ResourceCheck extends Asking {
  readonly typeName = 'kubernetes.authorization.ResourceCheck';
}
class PathCheck extends Asking {
  readonly typeName = 'kubernetes.authorization.PathCheck';
}
class Decision extends Opaque {
  readonly typeName = 'kubernetes.authorization.Decision';
  readonly allowed: boolean;
  readonly reason: string;
  constructor(allowed: boolean, reason: string) {
    super();
    this.allowed = allowed;
    this.reason = reason;
  }
  equals(other: Value): boolean {
    return other === this;
  }
}

/** As upstream: two questions are what one expression can pay. */
const asking = { cost: () => 350_000 };
const A = 'kubernetes.authorization.Authorizer';
const R = 'kubernetes.authorization.ResourceCheck';
const D = 'kubernetes.authorization.Decision';

const ask = (what: Asking, verb: string): Decision => {
  const { allowed, reason } = what.answer(verb, what.question);
  return new Decision(allowed, reason);
};

export const authorizerLibrary: readonly Overload[] = [
  ...define(
    `${A}.path(string) -> kubernetes.authorization.PathCheck`,
    (asker: Asking, path: string) => new PathCheck(asker.answer, { ...asker.question, path }),
  ),
  ...define(
    `${A}.group(string) -> kubernetes.authorization.GroupCheck`,
    (asker: Asking, group: string) => new GroupCheck(asker.answer, { ...asker.question, group }),
  ),
  ...define(`${A}.serviceAccount(string,string) -> ${A}`, (asker: AuthorizerValue, namespace: string, name: string) =>
    asker.inPlaceOf({ namespace, name }),
  ),
  ...define(
    `kubernetes.authorization.GroupCheck.resource(string) -> ${R}`,
    (asker: Asking, resource: string) => new ResourceCheck(asker.answer, { ...asker.question, resource }),
  ),
  ...(['subresource', 'namespace', 'name'] as const).flatMap((part) =>
    define(
      `${R}.${part}(string) -> ${R}`,
      (asker: Asking, text: string) => new ResourceCheck(asker.answer, { ...asker.question, [part]: text }),
    ),
  ),
  ...define([`${R}.check(string) -> ${D}`, `kubernetes.authorization.PathCheck.check(string) -> ${D}`], ask, asking),
  ...define(`${D}.allowed() -> bool`, ({ allowed }: Decision) => allowed),
  ...define(`${D}.reason() -> string`, ({ reason }: Decision) => reason),
  ...define(`${D}.errored() -> bool`, () => false),
  ...define(`${D}.error() -> string`, () => ''),
];
