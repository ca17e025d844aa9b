/** Whether an offer puts the call on hold: its audio is sendonly or inactive (RFC 3264 §8.4), or has the old address 0.0.0.0. */
export function isHold(offer: string): boolean {
  const [session = '', ...media] = offer.split(/^(?=m=)/m);
  const audio = media.find((section) => section.startsWith('m=audio'));
  if (audio === undefined) return false;
  const direction = directionOf(audio) ?? directionOf(session) ?? 'sendrecv';
  const connection = connectionOf(audio) ?? connectionOf(session);
  // Browsers write 0.0.0.0 where ICE has not chosen an address yet; a phone's offer has no ICE.
  const nowhere = connection === '0.0.0.0' && !/^a=ice-ufrag:/m.test(offer);
  return direction === 'sendonly' || direction === 'inactive' || nowhere;
}

function directionOf(section: string): string | undefined {
  return /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(section)?.[1];
}

function connectionOf(section: string): string | undefined {
  return /^c=IN IP4 (\S+)/m.exec(section)?.[1];
}
