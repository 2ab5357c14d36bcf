/**
 * @module
 * A copy of the compiled code in a temporary directory, of which single files are changed and put back: what is built
 * for use is never touched.
 */

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Ended {
  /** Null when it was stopped for taking too long. */
  readonly code: number | null;
  readonly output: string;
}

export class AlteredCopy {
  readonly directory: string;

  constructor() {
    this.directory = mkdtempSync(join(realpathSync(tmpdir()), "balsa-altered-"));
    cpSync(join(root, "dist"), join(this.directory, "dist"), {
      recursive: true,
      filter: (path) => !path.endsWith(".d.ts") && !path.endsWith(".map") && !path.endsWith(".tsbuildinfo"),
    });
    for (const name of ["package.json", ".mocharc.json"]) cpSync(join(root, name), join(this.directory, name));
    symlinkSync(realpathSync(join(root, "node_modules")), join(this.directory, "node_modules"));
  }

  read(file: string): string {
    return readFileSync(join(this.directory, file), "utf8");
  }

  /** Runs `work` while `file` has other contents. */
  async with<Result>(file: string, contents: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.read(file);
    writeFileSync(join(this.directory, file), contents);
    try {
      return await work();
    } finally {
      writeFileSync(join(this.directory, file), before);
    }
  }

  /** Runs a script of the copy in a process of its own. */
  run(script: string, options: readonly string[], wallMsMax: number): Promise<Ended> {
    return new Promise((resolve) => {
      const settings = { cwd: this.directory, timeout: wallMsMax, killSignal: "SIGKILL", maxBuffer: 2 ** 26 } as const;
      const child = execFile(process.execPath, [script, ...options], settings, (_, stdout, stderr) => {
        resolve({ code: child.exitCode, output: stdout + stderr });
      });
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
