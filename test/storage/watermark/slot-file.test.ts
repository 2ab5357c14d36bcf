import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { DiskSlotFile } from "../../../src/storage/watermark/slot-file.ts";
import { rejection } from "../log/fixtures.ts";

const openFiles = "/proc/self/fd";

/** How often this process has the file open. */
function descriptorsOf(path: string): number {
  const targets = readdirSync(openFiles).map((name) => {
    try {
      return readlinkSync(join(openFiles, name));
    } catch {
      return "closed since";
    }
  });
  return targets.filter((target) => target === path).length;
}

describe("the file of the watermark", () => {
  let directory: string;
  let path: string;
  let file: DiskSlotFile;

  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), "balsa-slot-file-")));
    path = join(directory, "watermark");
    file = new DiskSlotFile(path);
  });

  afterEach(async () => {
    file.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("is nothing at first, and then holds what is written into it", async () => {
    expect(await file.read()).to.equal(null);
    await file.create(Buffer.from("0123456789"));
    file.write(Buffer.from("ab"), 3);
    await file.sync();
    expect((await new DiskSlotFile(path).read())?.toString()).to.equal("012ab56789");
    expect((await readdir(directory)).sort()).to.deep.equal(["begun", "watermark"]);
  });

  it("is a loss once there has been one, whoever asks and however often", async () => {
    await file.create(Buffer.from("x"));
    await rm(path);
    for (const asked of [file, new DiskSlotFile(path)]) {
      const error = await rejection(() => asked.read());
      expect(error).to.be.instanceOf(StorageError);
      expect(error.message).to.equal(`${directory} has lost its log: ${path} is missing; replace this member`);
    }
  });

  it("is a loss, too, when a crash came before it was recorded that it had begun", async () => {
    await file.create(Buffer.from("x"));
    await rm(join(directory, "begun"));
    expect((await file.read())?.toString()).to.equal("x");
    expect(await readFile(join(directory, "begun"))).to.have.length(0);
    await rm(path);
    expect((await rejection(() => file.read())).message).to.contain("has lost its log");
  });

  it("fails with its name and the system's reason", async () => {
    await mkdir(path);
    const unread = await rejection(() => file.read());
    expect(unread).to.be.instanceOf(StorageError);
    expect(unread.message).to.equal(`${path} cannot be read: EISDIR`);
    await rm(path, { recursive: true });
    expect(() => file.write(Buffer.from("x"), 0)).to.throw(StorageError, `${path} cannot be written: ENOENT`);
    expect((await rejection(() => file.sync())).message).to.equal(`${path} cannot be synced: ENOENT`);
  });

  it("is opened once however often it is written to, and not at all once it is closed", async function () {
    if (!existsSync(openFiles)) this.skip();
    await file.create(Buffer.from("0123456789"));
    for (let position = 0; position < 5; position += 1) file.write(Buffer.from("x"), position);
    await file.sync();
    expect(descriptorsOf(path)).to.equal(1);
    file.close();
    expect(descriptorsOf(path)).to.equal(0);
    file.close();
    file.write(Buffer.from("y"), 5);
    expect((await file.read())?.toString()).to.equal("xxxxxy6789");
  });
});
