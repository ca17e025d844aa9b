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
  'authentication-required':
    'Every call is asked for the trunk’s password once, and calls again with the answer; paste that second INVITE: docs/trunks.md#passwords.',
  'authentication-failed':
    'Give the other end the trunk’s `inbound.digest.username` and password, and let it answer for the realm `landbridge`: docs/trunks.md#passwords.',
  'unknown-number': 'Set the number up with `POST /numbers`, or add it to the trunk’s `numbers`.',
  'caller-not-allowed': 'Add the caller to the trunk’s `allowedCallers`: docs/trunks.md#settings.',
  'called-not-allowed':
    'Add the number to the trunk’s `allowedCalled`, as the trunk writes it: docs/trunks.md#settings.',
  'trunk-limit':
    '`maxConcurrentCalls` and `maxCallsPerSecond` of the trunk are the limits; over UDP also `trunks.maxUnconfirmedCalls`.',
  'identity-required': 'Have the carrier pass Identity on, or set `inbound.stir` to `report`: docs/stir.md.',
  'identity-stale':
    'The signature is too old, or ahead: compare the clocks of signer and gateway, `stir.maxAgeSeconds`.',
  'identity-invalid': 'The signature does not hold for this call: docs/stir.md says what is compared.',
  'identity-unreachable':
    'Its certificate cannot be fetched from there: `stir.ports`, `stir.hosts`: docs/stir.md.',
  'identity-untrusted': 'No authority of `stir.ca` vouches for it: is that list up to date?',
  'participant-gone': 'Make a new participant: this one was deleted.',
  'participant-occupied':
    'End the call that holds the slot (`DELETE /legs/{legId}`), or make a participant for each call.',
  'session-full': '`sessions.maxParticipantsPerSession` is the limit.',
  'no-common-codec':
    'Let the caller offer PCMU, PCMA, G.722 or Opus, of those that `rtp.codecs` and the trunk allow, over RTP/AVP or with keys in the SDP as `rtp.srtp` and the trunk have it: docs/media.md.',
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
