import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { StartError, StorageError } from "../../src/errors/balsa-error.ts";
import { newIncarnation, openDataDirectory, writeIdentity } from "../../src/storage/data-directory.ts";
import { makeDirectoryDurably, removeDurably, renameDurably, writeFileDurably } from "../../src/storage/files.ts";
import { rejection } from "./log/fixtures.ts";

describe("a data directory", () => {
  let root: string;
  const n1 = { nodeId: "n1" };
  const begin = { kind: "join", url: "http://127.0.0.1:8091", learner: false } as const;

  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), "balsa-directory-")));
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  async function claim(path: string): Promise<string> {
    const incarnation = newIncarnation();
    await writeIdentity(await openDataDirectory(path, n1), { nodeId: "n1", clusterId: "c1", incarnation, begin });
    return incarnation;
  }

  it("is made with all above it, and is new until it has an owner", async () => {
    const path = join(root, "a", "b");
    const directory = await openDataDirectory(path, n1);
    expect(directory).to.deep.equal({
      path,
      logDirectory: join(path, "log"),
      watermarkFile: join(path, "watermark"),
      stateDirectory: join(path, "state"),
      snapshotDirectory: join(path, "snapshots"),
      voteHoldFile: join(path, "vote-hold"),
      identity: null,
    });
    expect(await readdir(path)).to.deep.equal([]);
  });

  it("knows its owner, by any spelling of its path", async () => {
    const incarnation = await claim(join(root, "n1"));
    expect(incarnation).to.match(/^[0-9a-f]{32}$/);
    await symlink(join(root, "n1"), join(root, "link"));
    const directory = await openDataDirectory(join(root, "link"), n1);
    expect(directory.path).to.equal(join(root, "n1"));
    expect(directory.identity).to.deep.equal({ nodeId: "n1", clusterId: "c1", incarnation, begin });
    expect(await readdir(join(root, "n1"))).to.deep.equal(["identity.json"]);
  });

  it("follows a part of it to another disk", async () => {
    await claim(root);
    await mkdir(join(root, "elsewhere"));
    await symlink(join(root, "elsewhere"), join(root, "log"));
    expect((await openDataDirectory(root, n1)).logDirectory).to.equal(join(root, "elsewhere"));
  });

  it("is refused to another node", async () => {
    await claim(root);
    const error = await rejection(() => openDataDirectory(root, { nodeId: "n2" }));
    expect(error).to.be.instanceOf(StartError);
    expect(error.message).to.equal(`${root} holds the data of node n1, not n2`);
  });

  it("is given an owner once", async () => {
    const directory = await openDataDirectory(root, n1);
    const incarnation = await claim(root);
    const error = await rejection(() =>
      writeIdentity(directory, { nodeId: "n1", clusterId: "c2", incarnation: newIncarnation(), begin }),
    );
    expect(error).to.be.instanceOf(StartError);
    expect((await openDataDirectory(root, n1)).identity?.incarnation).to.equal(incarnation);
    expect(await readdir(root)).to.deep.equal(["identity.json"]);
  });

  it("is refused when it holds data but no owner", async () => {
    await mkdir(join(root, "log"));
    const error = await rejection(() => openDataDirectory(root, n1));
    expect(error).to.be.instanceOf(StartError);
    expect(error.message).to.contain(`${root} holds log but no identity.json`);
  });

  it("is refused when it cannot be written to", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    const error = await rejection(() => openDataDirectory(join(file, "n1"), n1));
    expect(error).to.be.instanceOf(StartError);
    expect(error.message).to.equal(`${join(file, "n1")} is not writable: ENOTDIR`);
  });

  it("is refused when its format is of another version", async () => {
    await claim(root);
    const file = join(root, "identity.json");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"formatVersion": 1', '"formatVersion": 2'));
    const error = await rejection(() => openDataDirectory(root, n1));
    expect(error).to.be.instanceOf(StartError);
    expect(error.message).to.equal(`${file} has format version 2, this node reads 1`);
  });

  it("is refused when its identity does not verify", async () => {
    await claim(root);
    const file = join(root, "identity.json");
    const text = await readFile(file, "utf8");
    for (const damaged of [text.replace("n1", "n2"), text.slice(0, 20), "[]", "null", ""]) {
      await writeFile(file, damaged);
      const error = await rejection(() => openDataDirectory(root, n1));
      expect(error).to.be.instanceOf(StorageError);
      expect(error.message).to.contain(`${file} does not verify`);
    }
  });
});

describe("durable files", () => {
  it("are replaced whole, renamed and removed, and leave nothing beside them", async () => {
    const root = await mkdtemp(join(tmpdir(), "balsa-files-"));
    const deep = join(root, "a", "b");
    await makeDirectoryDurably(deep);
    await makeDirectoryDurably(deep);
    await writeFileDurably(join(deep, "x"), Buffer.from("one, longer"));
    await writeFileDurably(join(deep, "x"), Buffer.from("two"));
    expect(await readFile(join(deep, "x"), "utf8")).to.equal("two");
    await renameDurably(join(deep, "x"), join(root, "y"));
    expect(await readdir(deep)).to.deep.equal([]);
    await removeDurably(join(root, "a"));
    expect(await readdir(root)).to.deep.equal(["y"]);
    await rm(root, { recursive: true });
  });

  it("name path and cause when the disk refuses", async () => {
    const error = await rejection(() => writeFileDurably("/dev/null/x", Buffer.from("one")));
    expect(error).to.be.instanceOf(StorageError);
    expect(error.message).to.equal("cannot write /dev/null/x.tmp: ENOTDIR");
  });
});
