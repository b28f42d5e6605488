// Descriptions of the kinds that say what is admitted: policies and their bindings.
// Text only.
import type { Words } from './make.ts';

export const admissionWords: Words = {
  ValidatingAdmissionPolicy: { about: 'Says in CEL which objects may be written.' },
  ValidatingAdmissionPolicySpec: {
    about: 'What is asked of which objects.',
    auditAnnotations: 'What is written down about requests.',
    failurePolicy: 'Whether an expression that fails refuses (`Fail`) or lets pass (`Ignore`).',
    matchConditions: 'Expressions that must all be true before anything is asked.',
    matchConstraints: 'The requests it is about.',
    paramKind: 'Kind of the objects that hold its parameters.',
    validations: 'Expressions that must be true.',
    variables: 'Named expressions, for the others to use as `variables.name`.',
  },
  Validation: {
    about: 'Something that must be true.',
    expression:
      'In CEL, about `object`, `oldObject`, `request`, `params`, `namespaceObject`, `variables`, `authorizer`.',
    message: 'What a refused client reads.',
    messageExpression: 'The same, as an expression.',
    reason: '`Invalid`, `Forbidden`, `Unauthorized` or `RequestEntityTooLarge`.',
  },
  MatchResources: {
    about: 'Which requests are meant.',
    excludeResourceRules: 'Those that are not.',
    matchPolicy: '`Equivalent`: in whatever version; `Exact`: only as written.',
    namespaceSelector: 'Labels of the namespace of the object.',
    objectSelector: 'Labels of the object.',
    resourceRules: 'Resources and operations.',
  },
  ValidatingAdmissionPolicyBinding: { about: 'Puts a policy into force.' },
  ValidatingAdmissionPolicyBindingSpec: {
    about: 'Which policy, with which parameters, and what follows.',
    matchResources: 'Narrows the requests further.',
    paramRef: 'The objects that hold the parameters.',
    policyName: 'The policy.',
    validationActions: '`Deny`, `Warn` and `Audit`.',
  },
  MutatingAdmissionPolicy: { about: 'Says in CEL how objects are changed before they are written.' },
  MutatingAdmissionPolicySpec: {
    about: 'Which changes to which objects.',
    failurePolicy: 'Whether an expression that fails refuses (`Fail`) or lets pass (`Ignore`).',
    matchConditions: 'Expressions that must all be true before anything is changed.',
    matchConstraints: 'The requests it is about.',
    mutations: 'The changes, in order.',
    paramKind: 'Kind of the objects that hold its parameters.',
    reinvocationPolicy: '`IfNeeded`: once more, when others have changed the object since; or `Never`.',
    variables: 'Named expressions, for the others to use as `variables.name`.',
  },
  Mutation: {
    about: 'One change.',
    applyConfiguration: 'What to merge in, as an expression that gives an `Object`.',
    jsonPatch: 'What to do step by step, as an expression that gives a list of `JSONPatch`.',
    patchType: '`ApplyConfiguration` or `JSONPatch`.',
  },
  MutatingAdmissionPolicyBinding: { about: 'Puts a policy that changes objects into force.' },
  MutatingAdmissionPolicyBindingSpec: {
    about: 'Which policy, and with which parameters.',
    matchResources: 'Narrows the requests further.',
    paramRef: 'The objects that hold the parameters.',
    policyName: 'The policy.',
  },
  ValidatingWebhookConfiguration: {
    about: 'Servers that are asked whether objects may be written.',
    webhooks: 'The servers.',
  },
  MutatingWebhookConfiguration: {
    about: 'Servers that change objects before they are written.',
    webhooks: 'The servers.',
  },
  ValidatingWebhook: {
    about: 'A server that is asked.',
    clientConfig: 'Where it is: a URL or a Service, and who vouches for it.',
    failurePolicy: 'Whether a server that cannot be asked refuses (`Fail`) or lets pass (`Ignore`).',
    matchConditions: 'Expressions in CEL that must all be true before it is asked.',
    name: 'A domain of three parts or more.',
    rules: 'The requests it is asked about.',
    sideEffects: '`None`, or `NoneOnDryRun`.',
    timeoutSeconds: 'How long it may take, 1 to 30 s.',
  },
  ParamRef: {
    about: 'Names the parameters.',
    name: 'One object.',
    namespace: 'Its namespace; that of the request when absent.',
    parameterNotFoundAction: '`Allow` or `Deny` when there are none.',
    selector: 'All objects with these labels.',
  },
};
