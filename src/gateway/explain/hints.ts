/** What to look at where a call is refused, by the reason text of the refusal. */

const hints: Readonly<Record<string, string>> = {
  'token-missing':
    'Put the token into User-to-User as `<JWT>;encoding=jwt`, or let the number’s `allowFrom` name the network that calls: docs/sip.md, docs/voice-platforms.md.',
  'token-invalid':
    'Take the token as `POST /participants` gave it, whole and unchanged; `tokenSecret` must be the one that it was made with: docs/sip.md.',
  'token-expired': 'Make a new token, or let tokens live longer (`sessions.tokenTtlSeconds`).',
  'token-used': 'Make the participant with `tokenUse: slot` where its token is to open more than one call.',
  'too-many-guesses':
    'Wait a minute; `joinCodes.maxFailuresPerMinute` is the limit, over trunks `trunks.maxWrongCodes`, too: docs/sip.md, docs/trunks.md.',
  'no-trunk': 'Make a trunk for the network that calls: docs/trunks.md.',
  'participant-gone': 'Make a new participant: this one was deleted.',
  'participant-occupied':
    'End the call that holds the slot (`DELETE /legs/{legId}`), or make a participant for each call.',
  'session-full': '`sessions.maxParticipantsPerSession` is the limit.',
  'no-common-codec': 'Let the caller offer PCMU or PCMA over RTP/AVP: docs/media.md.',
  'bad-sdp': 'Look at the session description: what is wrong in it is said above.',
  draining: 'The gateway was taken out of service: `DELETE /v1/node/drain` takes calls again.',
  overloaded:
    'The gateway has as many calls as it takes (`sessions.maxLegs`), or no media worker: see `/ready`.',
  'message-too-long': '`sip.maxMessageBytes` is the limit.',
  'unsupported-body':
    'Send the session description as application/sdp, alone or in a multipart/mixed: docs/sip.md.',
  'unsupported-extension': 'Leave out of Require what the answer names in Unsupported.',
  'session-interval-too-small': 'Ask for a Session-Expires of 90 seconds at least (RFC 4028).',
  'bad-replaces': 'Name one call in Replaces, by Call-ID, to-tag and from-tag: docs/sip.md.',
  'no-such-dialog': 'To have it looked at as a new call, take the tag out of To.',
};

export function hintFor(reason: string): string | null {
  return hints[reason] ?? null;
}
