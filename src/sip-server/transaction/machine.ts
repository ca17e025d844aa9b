/** The form of the tables of states: input, next state, actions. */
import type { TimerName } from './timers.js';

/** What a transaction does on an edge, in order. */
export type Action =
  | 'send' //                   the message that the user handed in, kept for `resend`
  | 'resend' //                 the last one sent, if there is one
  | 'pass' //                   hand the message that came in to the user
  | 'acknowledge' //            send the ACK of a refusal (§17.1.1.3)
  | 'cancel' //                 ask the user to give the request up
  | 'inform timeout' //         tell the user that the far end did not answer
  | 'inform transport error' // tell the user that the message could not be sent
  | `start ${TimerName}`
  | `stop ${TimerName}`
  | 'start E at T2';

export interface Edge<State extends string> {
  readonly next: State;
  readonly actions: readonly Action[];
}

/** Rows are states, columns inputs; an input without a cell is ignored in that state. */
export type Machine<State extends string, Input extends string> = {
  readonly [state in State]: { readonly [input in Input]?: Edge<State> };
};

/** A cell of such a table: the next state, and what is done on the way there. */
export function to<State extends string>(next: State, ...actions: Action[]): Edge<State> {
  return { next, actions };
}

export type TimerInput = `timer ${TimerName}`;
