/** Exit code 0 while the gateway's `/health` answers. Knows the port and the address from the environment, as the container has them. */
const port = process.env.LANDBRIDGE_HTTP_PORT || '8080';
const configured = process.env.LANDBRIDGE_HTTP_HOST || '127.0.0.1';
const host = configured === '0.0.0.0' ? '127.0.0.1' : configured === '::' ? '::1' : configured;
const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
try {
  const response = await fetch(`${origin}/health`, { signal: AbortSignal.timeout(2500) });
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.error(`${origin}: ${error instanceof Error ? (error.cause ?? error) : error}`);
  process.exitCode = 1;
}
