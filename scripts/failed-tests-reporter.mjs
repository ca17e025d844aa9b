/**
 * A reporter of Vitest that adds what failed to the file that LANDBRIDGE_TEST_FAILURES names, as it happens: one JSON line
 * `{ name, message }` for each test, suite, file and uncaught error, and `{ begun }` and `{ ended }` for each file, so that
 * of a run that is cut short one can tell which files were in hand.
 */
import { appendFileSync } from 'node:fs';

export default class FailedTestsReporter {
  #path = process.env.LANDBRIDGE_TEST_FAILURES;

  onTestModuleStart(module) {
    this.#add({ begun: module.relativeModuleId });
  }

  onTestCaseResult(testCase) {
    const { state, errors = [] } = testCase.result();
    if (state === 'failed')
      this.#addErrors(`${testCase.module.relativeModuleId} > ${testCase.fullName}`, errors);
  }

  /** A hook, or what stands beside the tests, threw. */
  onTestSuiteResult(suite) {
    if (suite.errors().length > 0) {
      this.#addErrors(`${suite.module.relativeModuleId} > ${suite.fullName}`, suite.errors());
    }
  }

  /** The file could not be loaded, or a hook of the whole file threw. */
  onTestModuleEnd(module) {
    this.#add({ ended: module.relativeModuleId });
    if (module.errors().length > 0) this.#addErrors(module.relativeModuleId, module.errors());
  }

  onTestRunEnd(_modules, unhandledErrors) {
    for (const error of unhandledErrors) {
      const file = error.VITEST_TEST_PATH ?? '';
      this.#addErrors(`uncaught error ${file} ${error.VITEST_TEST_NAME ?? ''}`.trim(), [error]);
    }
  }

  #addErrors(name, errors) {
    this.#add({ name, message: errors[0]?.message ?? String(errors[0] ?? 'no message') });
  }

  #add(entry) {
    if (this.#path) appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }
}
