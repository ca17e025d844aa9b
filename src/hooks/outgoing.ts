/** HTTP that the hooks send: to applications that say where a call goes, and to platforms that take orders. */

/** Resolves with a success's body. Rejects where the answer is none, comes too late, is too long, or the address is forbidden. */
export interface OutgoingHttp {
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<string>;
}
