/** The states of an INVITE that came in, as a table. */
import { to, type Machine, type TimerInput } from './machine.js';

/**
 * The INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1.
 *
 *                    INVITE │ 100 sent by the user
 *                           ▼
 *      INVITE: resend ┌────────────┐ 1xx: send
 *                 ┌───│ proceeding │◄──┐
 *                 └──►└────────────┘───┘
 *          300–699: send │      │ 2xx: send
 *                        ▼      ▼
 *   INVITE, G: ┌───────────┐  ┌──────────┐ INVITE: absorb; ACK: pass;
 *   resend ┌───│ completed │  │ accepted │ 2xx again: send
 *          └──►└───────────┘  └──────────┘
 *         ACK │      │ H: no ACK   │ L
 *             ▼      │             │
 *   ┌───────────┐  I │             │
 *   │ confirmed │────┼──────┐      │
 *   └───────────┘    ▼      ▼      ▼
 *                   terminated
 */
export type InviteServerState = 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated';

export type InviteServerInput =
  | 'request'
  | 'ack'
  | 'send 1xx'
  | 'send 2xx'
  | 'send 3xx-6xx'
  /** The INVITE comes again by itself, where its answer is lost: no provisional response told its sender to wait. */
  | 'send 3xx-6xx once'
  | 'transport error'
  | 'abandon'
  | Extract<TimerInput, 'timer G' | 'timer H' | 'timer I' | 'timer L'>;

export const inviteServerMachine: Machine<InviteServerState, InviteServerInput> = {
  proceeding: {
    request: to('proceeding', 'resend'), //                                       §17.2.1
    'send 1xx': to('proceeding', 'send'), //                                      §17.2.1
    'send 2xx': to('accepted', 'send', 'start L'), //                             RFC 6026 §7.1
    'send 3xx-6xx': to('completed', 'send', 'start G', 'start H'), //             §17.2.1
    'send 3xx-6xx once': to('completed', 'send', 'start H'), //                   §17.2.1, without timer G: see the input
    'transport error': to('proceeding', 'inform transport error'), //             RFC 6026 §8.7: stays
    abandon: to('terminated'),
  },
  completed: {
    request: to('completed', 'resend'), //                                        §17.2.1
    ack: to('confirmed', 'stop G', 'stop H', 'start I'), //                       §17.2.1
    'timer G': to('completed', 'resend', 'start G'), //                           §17.2.1
    'timer H': to('terminated', 'inform timeout'), //                             §17.2.1
    'transport error': to('completed', 'inform transport error'), //              RFC 6026 §8.7: stays
    abandon: to('terminated'),
  },
  confirmed: {
    request: to('confirmed'), //                                                  late copy: absorbed
    ack: to('confirmed'), //                                                      §17.2.1: absorbed
    'timer I': to('terminated'), //                                               §17.2.1
    abandon: to('terminated'),
  },
  accepted: {
    request: to('accepted'), //                                                   RFC 6026 §7.1: absorbed
    ack: to('accepted', 'pass'), //                                               RFC 6026 §7.1
    'send 2xx': to('accepted', 'send'), //                                        RFC 6026 §7.1
    'timer L': to('terminated'), //                                               RFC 6026 §7.1
    'transport error': to('accepted', 'inform transport error'), //               RFC 6026 §8.7: stays
    abandon: to('terminated'),
  },
  terminated: {},
};
