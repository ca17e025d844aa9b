import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // Files share what they import, which takes most of the time else. No module keeps state, so nothing passes from one to the next.
          isolate: false,
          // Properties are tried with many values, and every core is busy.
          testTimeout: 20_000,
          setupFiles: ['test/setup/fast-check.ts'],
          include: ['src/**/*.test.ts', 'sdk/**/*.test.ts', 'test/*.test.ts'],
        },
      },
      {
        test: {
          name: 'integration',
          isolate: false,
          setupFiles: ['test/setup/fast-check.ts'],
          globalSetup: ['test/setup/build-worker.ts', 'test/setup/build-gateway.ts'],
          include: ['test/{integration,contract,sipp}/**/*.test.ts'],
          // Longer than any one wait of a test, so that it is the wait that says what did not come.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 25_000 } },
        },
      },
      {
        test: {
          name: 'browser',
          globalSetup: ['test/setup/build-worker.ts', 'test/setup/build-gateway.ts'],
          include: ['test/browser/**/*.test.ts'],
          // Only against what hangs: a dozen pages on a slow machine take their time.
          testTimeout: 180_000,
          hookTimeout: 120_000,
          // Its tests wait more than they compute. Vitest wants who has a number of his own in a group of his own.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
