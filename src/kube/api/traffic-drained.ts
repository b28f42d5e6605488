// The pod condition by which those that carry traffic tell the node that a pod is asked nothing any more.
// A name only: who says it, and who waits for it, are other rooms' matters.

/** `True`: no new request is sent to the pod, and none is under way. Missing: nobody says so for this pod. */
export const TRAFFIC_DRAINED = 'evenkeel.dev/TrafficDrained';
