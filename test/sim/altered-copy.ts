/**
 * @module
 * A copy of the project in a temporary directory, of whose compiled files single ones are changed and put back: what is
 * built for use is never touched.
 */

import { execFile } from "node:child_process";
import {
  cpSync,
  type Dirent,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** Beside the files of the root itself. Some tests hold sources and pages against each other. */
const folders = ["dist", "scripts", "src", "test", "workers"];

export interface Ended {
  /** Null when it was stopped for taking too long. */
  readonly code: number | null;
  readonly output: string;
}

export class AlteredCopy {
  readonly directory: string;

  constructor() {
    this.directory = mkdtempSync(join(realpathSync(tmpdir()), "balsa-altered-"));
    const entries = readdirSync(root, { withFileTypes: true });
    for (const { name } of entries.filter((entry) => isCopied(entry))) {
      cpSync(join(root, name), join(this.directory, name), {
        recursive: true,
        filter: (path) => !path.endsWith(".map") && !path.endsWith(".tsbuildinfo"),
      });
    }
    symlinkSync(realpathSync(join(root, "node_modules")), join(this.directory, "node_modules"));
    mkdirSync(this.#temporary);
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

  /** Runs a script of the copy in a process of its own, which sees nobody else's temporary files. */
  run(script: string, options: readonly string[], wallMsMax: number): Promise<Ended> {
    return new Promise((resolve) => {
      const env = { ...process.env, TMPDIR: this.#temporary };
      const limits = { timeout: Math.ceil(wallMsMax), killSignal: "SIGKILL", maxBuffer: 2 ** 26 } as const;
      const settings = { cwd: this.directory, env, ...limits };
      const child = execFile(process.execPath, [script, ...options], settings, (_, stdout, stderr) => {
        resolve({ code: child.exitCode, output: stdout + stderr });
      });
    });
  }

  get #temporary(): string {
    return join(this.directory, "temporary");
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** In a second working tree `.git` is a file. */
function isCopied(entry: Dirent): boolean {
  return folders.includes(entry.name) || (entry.isFile() && entry.name !== ".git");
}
