/** The port for HTTP that the hooks send: to applications that say where a call goes, and to platforms that take orders. */

export interface OutgoingHttp {
  /** Resolves with the body of a 2xx. Rejects where another answer comes, none in time, one too long, or the address is forbidden. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<string>;
}
