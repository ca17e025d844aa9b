/** A customer's web application: pages at an origin of their own, which take the SDK from the gateway. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The gateway's origin is in the address's query; `sdk` is there when the page has loaded it. */
const html = `<!doctype html><title>application</title><script type="module">
  const gateway = new URLSearchParams(location.search).get('gateway');
  globalThis.sdk = await import(gateway + '/sdk/landbridge.js');
</script>`;

export class WebApplication {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<WebApplication> {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end(html);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WebApplication(server);
  }

  /** The page that uses the gateway at this origin. */
  address(gatewayOrigin: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/?gateway=${encodeURIComponent(gatewayOrigin)}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
