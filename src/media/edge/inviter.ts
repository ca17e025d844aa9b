import type { EdgeDialog } from './channel.js';

/** The part of drachtio-srf that is used here. */
export interface EdgeSrf {
  createUAC(
    uri: string,
    options: { readonly headers: Readonly<Record<string, string>>; readonly localSdp: string },
    progress: { readonly cbRequest: (error: unknown, request?: SentRequest) => void },
  ): Promise<EdgeDialog>;
}

interface SentRequest {
  cancel(callback: (error: unknown) => void): void;
}

/** Marks every channel with the gateway that made it; a channel variable of this name in FreeSWITCH. */
const ownerHeader = 'X-Landbridge-Node';
export const ownerVariable = `sip_h_${ownerHeader}`;
/** Tells our `Inviter` which call fsmrf is making; FreeSWITCH gets it too. */
export const callHeader = 'X-Landbridge-Channel';

const ignore = (): void => undefined;

export interface Invitation {
  /** Once FreeSWITCH has answered. */
  dialog: EdgeDialog | null;
  /** Rejects when FreeSWITCH hangs up again before it has connected its event socket to us. */
  readonly hungUp: Promise<never>;
  /** Cancels, or hangs up when it is answered all the same. */
  giveUp(): void;
}

/** Stands before drachtio-srf for fsmrf. */
export class Inviter {
  readonly #srf: EdgeSrf;
  readonly #expected = new Map<string, PendingInvitation>();

  constructor(srf: EdgeSrf) {
    this.#srf = srf;
  }

  expect(id: string, description: string, owner: string): Invitation {
    const invitation = new PendingInvitation(description, owner);
    this.#expected.set(id, invitation);
    return invitation;
  }

  forget(id: string): void {
    this.#expected.delete(id);
  }

  /** As drachtio-srf's, for fsmrf. */
  async createUAC(
    uri: string,
    { headers }: { headers: Record<string, string> },
  ): Promise<{ destroy(): Promise<void> }> {
    const invitation = this.#expected.get(headers[callHeader] ?? '');
    if (invitation === undefined) throw new Error('nobody asked for this channel');
    const dialog = await invitation.send(this.#srf, uri, headers);
    return { destroy: () => dialog.destroy().then(ignore, ignore) };
  }
}

class PendingInvitation implements Invitation {
  readonly #description: string;
  readonly #owner: string;
  #request: SentRequest | null = null;
  #isGivenUp = false;
  dialog: EdgeDialog | null = null;
  readonly hungUp: Promise<never>;
  #onHungUp: (() => void) | null = null;

  constructor(description: string, owner: string) {
    this.hungUp = new Promise((_resolve, reject) => {
      this.#onHungUp = () => reject(new Error('FreeSWITCH hung up before its event socket came to us'));
    });
    this.hungUp.catch(ignore);
    this.#description = description;
    this.#owner = owner;
  }

  async send(srf: EdgeSrf, uri: string, headers: Record<string, string>): Promise<EdgeDialog> {
    const dialog = await srf.createUAC(
      uri,
      {
        headers: { ...headers, [ownerHeader]: this.#owner, From: 'sip:landbridge@localhost' },
        localSdp: this.#description,
      },
      {
        cbRequest: (_error, request) => {
          this.#request = request ?? null;
          if (this.#isGivenUp) this.#cancel();
        },
      },
    );
    this.#request = null;
    this.dialog = dialog;
    dialog.once('destroy', () => this.#onHungUp?.());
    if (this.#isGivenUp) dialog.destroy().then(ignore, ignore);
    return dialog;
  }

  giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#cancel();
    this.dialog?.destroy().then(ignore, ignore);
  }

  #cancel(): void {
    const request = this.#request;
    this.#request = null;
    request?.cancel(ignore);
  }
}
