/** Requests of platforms that describe a call in the fields of a form or of the query: Twilio's way, with other names at Plivo. */
import type { HookMessage, HookPlace } from './dialect.js';
import { prefixedFields, textField, type HookRequest } from './hook-request.js';

export interface FormNames {
  /** The field with the platform's id of the call. */
  readonly callId: string;
  /** What the names of fields begin with that stand for the call's SIP headers. */
  readonly headerPrefix: string;
  /** The field that says how the call to us went; without it `CallStatus` says how the caller's went. */
  readonly dialStatus: string;
}

export function readFormCall(request: HookRequest, place: HookPlace, names: FormNames): HookMessage {
  const voiceCallId = textField(request, names.callId);
  if (voiceCallId === null) return { kind: 'unreadable' };
  const call = {
    voiceCallId,
    from: textField(request, 'From'),
    to: textField(request, 'To'),
    headers: prefixedFields([...request.form, ...request.query], names.headerPrefix),
  };
  switch (place) {
    case 'call':
      return { kind: 'call', call };
    case 'pin':
      return { kind: 'digits', call, digits: (textField(request, 'Digits') ?? '').replace(/#$/, '') };
    case 'complete': {
      const cause = textField(request, names.dialStatus) ?? textField(request, 'CallStatus');
      return { kind: 'ended', voiceCallId, cause };
    }
  }
}
