/** Callers that the console sends into a session from the gateway's own phone. */
import type { ConsoleContext } from './console-context.js';
import type { GatewayApi } from './gateway-api.js';
import { createMember, freeName, isMember, type Slot } from './members.js';
import type { PhoneCall } from './model.js';
import type { CallInSound } from './state.js';

const tonesHz: Readonly<Record<CallInSound, number | undefined>> = { voice: undefined, low: 440, high: 880 };

export class PhoneCallers {
  readonly #context: ConsoleContext;
  /** By session, so that calling again needs no new participant. */
  readonly #slots = new Map<string, Slot[]>();

  constructor(context: ConsoleContext) {
    this.#context = context;
  }

  forget(): void {
    this.#slots.clear();
  }

  callIn(sessionId: string): Promise<void> {
    return this.#context.act('call-in', async (api) => {
      const slots = this.#slots.get(sessionId) ?? [];
      this.#slots.set(sessionId, slots);
      let slot = slots.find(({ participantId }) => this.#isFree(sessionId, participantId));
      if (slot === undefined) {
        slot = await createMember(api, sessionId, {
          tag: 'phone',
          displayName: freeName(this.#context, 'Phone caller'),
          publishPermissions: ['AUDIO'],
        });
        slots.push(slot);
      }
      const call = await api.startPhoneCall(slot.token, tonesHz[this.#context.state.callInSound]);
      this.#set(slot.participantId, call.id);
      await this.#awaitAnswer(api, call);
    });
  }

  /** As the caller would. */
  hangUp(participantId: string): Promise<void> {
    return this.#context.act(`hang-up ${participantId}`, async (api) => {
      const callId = this.#context.state.phoneCalls.get(participantId);
      this.ended(participantId);
      if (callId !== undefined) await api.endPhoneCall(callId);
    });
  }

  ended(participantId: string): void {
    this.#set(participantId, undefined);
  }

  #set(participantId: string, callId: string | undefined): void {
    const phoneCalls = new Map(this.#context.state.phoneCalls);
    if (callId === undefined) phoneCalls.delete(participantId);
    else phoneCalls.set(participantId, callId);
    this.#context.store.update({ phoneCalls });
  }

  #isFree(sessionId: string, participantId: string): boolean {
    const { legs, selectedId } = this.#context.state;
    return (
      selectedId === sessionId &&
      isMember(this.#context, participantId) &&
      !legs.some((leg) => leg.participantId === participantId && leg.state !== 'ended')
    );
  }

  /** The refusal of a call is known only to the phone; a call that is up is known by its events. */
  async #awaitAnswer(api: GatewayApi, call: PhoneCall): Promise<void> {
    let { state, reason } = call;
    for (let asked = 0; state === 'calling' && asked < 40; asked += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      ({ state, reason } = { ...(await api.getPhoneCall(call.id)) });
    }
    if (state === 'ended' && reason !== undefined && reason !== 'hangup') {
      this.#context.toast('error', `The call ended: ${reason}.`);
    }
  }
}
