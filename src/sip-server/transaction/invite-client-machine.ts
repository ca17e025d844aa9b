/** The states of an INVITE that went out, as a table. */
import { to, type Machine, type TimerInput } from './machine.js';

/**
 * The INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2, and timer C for a far end
 * that rings for ever (§16.6), after which the request is cancelled and given 64 · T1 to end (§9.1).
 *
 *                   INVITE │ send
 *                          ▼
 *          A: resend ┌─────────┐ B, transport error: inform ──► terminated
 *                ┌───│ calling │
 *                └──►└─────────┘
 *        1xx: pass │   │     │
 *                  ▼   │     │
 *       ┌────────────┐ │     │    1xx: pass; C: cancel; B: inform ──► terminated
 *       │ proceeding │ │     │
 *       └────────────┘ │     │
 *    300–699: pass, ACK│     │ 2xx: pass
 *                  ▼   ▼     ▼
 *       ┌───────────┐     ┌──────────┐
 *       │ completed │     │ accepted │ 2xx: pass (the user sends the ACK again)
 *       └───────────┘     └──────────┘
 *   300–699: ACK │ D          │ M
 *                ▼            ▼
 *                  terminated
 */
export type InviteClientState = 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

export type InviteClientInput =
  | '1xx'
  | '2xx'
  | '3xx-6xx'
  | 'cancelled'
  /** It is sent to another server: to this one it is not sent again. */
  | 'abandoned'
  | 'transport error'
  | 'flow closed'
  | Extract<TimerInput, 'timer A' | 'timer B' | 'timer C' | 'timer D' | 'timer M'>;

export const inviteClientMachine: Machine<InviteClientState, InviteClientInput> = {
  calling: {
    'timer A': to('calling', 'resend', 'start A'), //                             §17.1.1.2
    'timer B': to('terminated', 'inform timeout'), //                             §17.1.1.2
    '1xx': to('proceeding', 'stop A', 'stop B', 'start C', 'pass'), //            §17.1.1.2
    '2xx': to('accepted', 'stop A', 'stop B', 'start M', 'pass'), //              RFC 6026 §7.2
    '3xx-6xx': to('completed', 'stop A', 'stop B', 'acknowledge', 'start D', 'pass'), // §17.1.1.2
    'transport error': to('terminated', 'inform transport error'), //             §17.1.1.2
    'flow closed': to('terminated', 'inform transport error'), //                 §18.4
    abandoned: to('calling', 'stop A'), //     a late answer is still acknowledged, or cancelled
  },
  proceeding: {
    '1xx': to('proceeding', 'start C', 'pass'), //                                §17.1.1.2, §16.7 (2)
    '2xx': to('accepted', 'stop B', 'stop C', 'start M', 'pass'), //              RFC 6026 §7.2
    '3xx-6xx': to('completed', 'stop B', 'stop C', 'acknowledge', 'start D', 'pass'), // §17.1.1.2
    cancelled: to('proceeding', 'stop C', 'start B'), //                          §9.1
    'timer C': to('proceeding', 'cancel'), //                                     §16.8
    'timer B': to('terminated', 'inform timeout'), //                             §9.1
    'flow closed': to('terminated', 'inform transport error'), // the answer has no way back any more
  },
  completed: {
    '3xx-6xx': to('completed', 'acknowledge'), //                                 §17.1.1.2
    'timer D': to('terminated'), //                                               §17.1.1.2
    'transport error': to('terminated', 'inform transport error'), //             §17.1.1.2
    'flow closed': to('terminated'),
  },
  accepted: {
    '2xx': to('accepted', 'pass'), //                                             RFC 6026 §7.2
    'timer M': to('terminated'), //                                               RFC 6026 §7.2
  },
  terminated: {},
};
