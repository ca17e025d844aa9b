/** Runs one part of the tests as a process group of its own, so that a part that hangs goes with all its children. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Resolves with whether it went well. `environment` comes on top of ours. */
export function runPart([command, ...words], { timeoutMs, environment = {} }) {
  return new Promise((resolve) => {
    const child = spawn(command, words, {
      cwd: root,
      stdio: 'inherit',
      detached: true,
      env: { ...process.env, ...environment },
    });
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    };
    const timer = setTimeout(() => {
      console.error(`${command} ${words.join(' ')}: not done within ${timeoutMs / 60_000} minutes`);
      end();
    }, timeoutMs);
    const interrupt = () => {
      end();
      process.exit(130);
    };
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    child.once('error', (error) => console.error(String(error)));
    child.once('close', (code) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
      resolve(code === 0);
    });
  });
}
