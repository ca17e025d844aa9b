/** Makes the INVITEs by which FreeSWITCH’s channels come to be. */
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
/** Tells our `Inviter` which call fsmrf is making; goes no further. */
export const callHeader = 'X-Landbridge-Channel';

const ignore = (): void => undefined;

export interface Invitation {
  /** Once FreeSWITCH has answered. */
  readonly dialog: EdgeDialog | null;
  /** Rejects when FreeSWITCH hangs up again before it has connected its event socket to us. */
  readonly hungUp: Promise<never>;
  /** Sends it; once. Resolves with the dialog when FreeSWITCH answers; rejects with `{status}` where it refuses. */
  send(uri: string, headers: Readonly<Record<string, string>>): Promise<EdgeDialog>;
  /** Cancels, or hangs up when it is answered all the same. */
  giveUp(): void;
}

/** Invites FreeSWITCH's channels; stands before drachtio-srf for fsmrf. */
export class Inviter {
  readonly #srf: EdgeSrf;
  readonly #owner: string;
  readonly #expected = new Map<string, Invitation>();

  /** `owner` marks the channels. */
  constructor(srf: EdgeSrf, owner: string) {
    this.#srf = srf;
    this.#owner = owner;
  }

  /** An invitation that is yet to be sent. `uuid` is its Call-ID, and the channel's name in FreeSWITCH. */
  invite(uuid: string, description: string): Invitation {
    return new PendingInvitation(this.#srf, uuid, description, this.#owner);
  }

  /** An invitation that fsmrf will send; until `forget`. */
  expect(uuid: string, description: string): Invitation {
    const invitation = this.invite(uuid, description);
    this.#expected.set(uuid, invitation);
    return invitation;
  }

  forget(uuid: string): void {
    this.#expected.delete(uuid);
  }

  /** As drachtio-srf's, for fsmrf. */
  async createUAC(
    uri: string,
    { headers: { [callHeader]: uuid = '', ...headers } }: { headers: Record<string, string> },
  ): Promise<{ destroy(): Promise<void> }> {
    const invitation = this.#expected.get(uuid);
    if (invitation === undefined) throw new Error('nobody asked for this channel');
    const dialog = await invitation.send(uri, headers);
    return { destroy: () => dialog.destroy().then(ignore, ignore) };
  }
}

class PendingInvitation implements Invitation {
  readonly #srf: EdgeSrf;
  readonly #uuid: string;
  readonly #description: string;
  readonly #owner: string;
  #request: SentRequest | null = null;
  #isGivenUp = false;
  #dialog: EdgeDialog | null = null;
  readonly hungUp: Promise<never>;
  #onHungUp: (() => void) | null = null;

  constructor(srf: EdgeSrf, uuid: string, description: string, owner: string) {
    this.hungUp = new Promise((_resolve, reject) => {
      this.#onHungUp = () => reject(new Error('FreeSWITCH hung up before its event socket came to us'));
    });
    this.hungUp.catch(ignore);
    this.#srf = srf;
    this.#uuid = uuid;
    this.#description = description;
    this.#owner = owner;
  }

  get dialog(): EdgeDialog | null {
    return this.#dialog;
  }

  async send(uri: string, headers: Readonly<Record<string, string>>): Promise<EdgeDialog> {
    const dialog = await this.#srf.createUAC(
      uri,
      {
        headers: {
          ...headers,
          [ownerHeader]: this.#owner,
          'Call-ID': this.#uuid,
          From: 'sip:landbridge@localhost',
        },
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
    this.#dialog = dialog;
    dialog.once('destroy', () => this.#onHungUp?.());
    if (this.#isGivenUp) dialog.destroy().then(ignore, ignore);
    return dialog;
  }

  giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#cancel();
    this.#dialog?.destroy().then(ignore, ignore);
  }

  #cancel(): void {
    const request = this.#request;
    this.#request = null;
    request?.cancel(ignore);
  }
}
