/** Participants that the console makes for itself, and their places in a session. */
import type { ConsoleContext } from './console-context.js';
import type { GatewayApi, NewParticipant } from './gateway-api.js';
import { nameOf } from './model.js';

/** A participant's token opens its connection as often as wanted. */
export interface Slot {
  readonly participantId: string;
  readonly token: string;
  /** STUN and TURN servers that the gateway knows. */
  readonly iceServers: readonly RTCIceServer[];
}

export async function createMember(
  api: GatewayApi,
  sessionId: string,
  participant: NewParticipant,
): Promise<Slot> {
  const created = await api.createParticipant(participant);
  await api.addToSession(sessionId, created.participant.id, { sessionId });
  return {
    participantId: created.participant.id,
    token: created.token,
    iceServers: created.iceServers ?? [],
  };
}

/** `Console`, `Console 2`, … whichever no member has. */
export function freeName({ state }: ConsoleContext, base: string): string {
  const taken = new Set(state.members?.map(nameOf));
  let name = base;
  for (let number = 2; taken.has(name); number += 1) name = `${base} ${number}`;
  return name;
}

export function isMember({ state }: ConsoleContext, participantId: string): boolean {
  return state.members?.some(({ id }) => id === participantId) ?? false;
}
