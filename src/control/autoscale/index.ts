// The door of the room: the mathematics of HorizontalPodAutoscalers.
// Pure; what is measured is handed in, and what is to be done handed back.
export { backtest, type Fleet, type Outcome } from './backtest/backtest.ts';
export { type History, initialHistory } from './behavior/history.ts';
export { type Behavior, tolerancesOf } from './behavior/rules.ts';
export { type Combined, combine } from './combine.ts';
export { type Condition, type TimedCondition, withConditions } from './conditions.ts';
export { type Autoscaler, firstLook, remembered, settle, zeroCondition } from './decide.ts';
export { demandInPods } from './demand.ts';
export {
  type Forecast,
  Forecaster,
  type ForecastSettings,
  type ForecastState,
  MOST_STEPS,
} from './forecast/forecaster.ts';
export {
  type Current,
  evaluate,
  type Proposal,
  type Refusal,
  type Signal,
  type Situation,
  type Source,
  type Target,
} from './metric.ts';
export { sumOf } from './numbers.ts';
export type { PodFacts, PodMetric, PodMetrics, ReadinessRules, Requests } from './pods.ts';
export { isWithin, type Tolerances } from './tolerance.ts';
