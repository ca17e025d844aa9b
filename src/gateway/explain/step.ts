/** A step of an explanation as it is made: what is told of it, and what the caller would be answered where it ends the call. */
import type { ExplainedStep, ExplainedStepName, ExplainedValue } from '../../domain/call-explainer.js';
import { hintFor } from './hints.js';

export interface Step extends ExplainedStep {
  /** Null where the call goes on. */
  readonly end: StepEnd | null;
}

export interface StepEnd {
  readonly result: 'answered' | 'refused' | 'none' | 'unknown';
  /** Null where there is no answer, or none that is known. */
  readonly sipStatus: number | null;
  readonly reason: string | null;
}

type Details = Readonly<Record<string, ExplainedValue>>;

export function passed(step: ExplainedStepName, text: string, details: Details = {}): Step {
  return { step, verdict: 'passed', text, details, hint: null, end: null };
}

export function noted(
  step: ExplainedStepName,
  text: string,
  details: Details = {},
  hint: string | null = null,
): Step {
  return { step, verdict: 'noted', text, details, hint, end: null };
}

/** `reason`: the reason text of the refusal, by which its hint is found; null where it has none. */
export function refused(
  step: ExplainedStepName,
  text: string,
  { sipStatus, reason }: Pick<StepEnd, 'sipStatus' | 'reason'>,
  details: Details = {},
): Step {
  const hint = reason === null ? null : hintFor(reason);
  return { step, verdict: 'refused', text, details, hint, end: { result: 'refused', sipStatus, reason } };
}

/** What becomes of the call depends on what this account is not told, or what cannot be known before. */
export function unknown(
  step: ExplainedStepName,
  text: string,
  hint: string | null = null,
  details: Details = {},
): Step {
  const end: StepEnd = { result: 'unknown', sipStatus: null, reason: null };
  return { step, verdict: 'unknown', text, details, hint, end };
}

/** What is refused without an answer. */
export function unanswered(step: ExplainedStepName, text: string, details: Details = {}): Step {
  const end: StepEnd = { result: 'none', sipStatus: null, reason: null };
  return { step, verdict: 'refused', text, details, hint: null, end };
}
