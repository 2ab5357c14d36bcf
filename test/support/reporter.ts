/**
 * @module
 * The reporter of `npm test`: mocha's dots and failures in full, then one last line for machines to read.
 *
 * A run in which nothing ran is a failure: a wrong glob must not look like success.
 */

import { type MochaOptions, type Runner, reporters, type Test } from "mocha";

/** Mocha loads a reporter by its default export; nothing else in the project has one. */
class CountingReporter extends reporters.Dot {
  readonly #failed = new Set<string>();
  #passed = 0;
  #skipped = 0;

  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    runner.on("pass", () => {
      this.#passed += 1;
    });
    // A failed hook fails as itself; a test may fail more than once.
    runner.on("fail", (test: Test) => this.#failed.add(test.fullTitle()));
    runner.on("pending", () => {
      this.#skipped += 1;
    });
    runner.once("end", () => {
      process.on("exit", () => this.#conclude());
    });
  }

  #conclude(): void {
    const failed = this.#failed.size;
    process.stdout.write(`${this.#passed} passed, ${failed} failed, ${this.#skipped} skipped\n`);
    // Mocha sets the exit code by its failures, in an exit listener after this one; exiting here keeps ours.
    if (this.#passed === 0 && failed === 0) process.exit(1);
  }
}

export { CountingReporter as default };
