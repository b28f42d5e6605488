// The word on the Node by which the machine of an embedded cluster comes to Services.
// A name and nothing else: `up` writes it, `explain` reads it.
export const LEADS_MACHINE = 'evenkeel.dev/leads-machine';
