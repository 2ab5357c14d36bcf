import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { StartError, StorageError } from "../../src/errors/balsa-error.ts";
import {
  explainOpenFailure,
  newIncarnation,
  openDataDirectory,
  writeIdentity,
} from "../../src/storage/data-directory.ts";
import { makeDirectoryDurably, removeDurably, renameDurably, writeFileDurably } from "../../src/storage/files.ts";
import { checksum } from "../../src/storage/log/record.ts";
import { rejection } from "./log/fixtures.ts";

/** An identity of n1 with these fields instead, and the checksum that goes with them. */
function identityOf(changes: Readonly<Record<string, unknown>>): string {
  const whole = { formatVersion: 1, nodeId: "n1", clusterId: "c1", incarnation: "00", begin: { kind: "bootstrap" } };
  const contents = { ...whole, ...changes };
  return JSON.stringify({ ...contents, checksum: checksum(JSON.stringify(contents)).toString("hex") });
}

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

  for (const name of ["log", "watermark", "begun", "state", "snapshots"])
    it(`is refused when it holds ${name} but no owner`, async () => {
      await mkdir(join(root, name));
      const error = await rejection(() => openDataDirectory(root, n1));
      expect(error).to.be.instanceOf(StartError);
      expect(error.message).to.contain(`${root} holds ${name} but no identity.json`);
    });

  it("is refused when its identity or a part of it cannot be reached", async () => {
    await symlink(join(root, "log"), join(root, "log"));
    await writeFile(join(root, "identity.json"), identityOf({}));
    const unreached = await rejection(() => openDataDirectory(root, n1));
    expect(unreached).to.be.instanceOf(StartError);
    expect(unreached.message).to.equal(`${join(root, "log")} cannot be used: ELOOP`);
    await rm(join(root, "identity.json"));
    await mkdir(join(root, "identity.json"));
    const unread = await rejection(() => openDataDirectory(root, n1));
    expect(unread).to.be.instanceOf(StorageError);
    expect(unread.message).to.equal(`cannot read ${join(root, "identity.json")}: EISDIR`);
  });

  it("takes each way in which a node begins, and no other, though the checksum is right", async () => {
    const file = join(root, "identity.json");
    for (const taken of [{ kind: "bootstrap" }, { ...begin, learner: true }]) {
      await writeFile(file, identityOf({ begin: taken }));
      expect((await openDataDirectory(root, n1)).identity?.begin).to.deep.equal(taken);
    }
    for (const refused of [
      { begin: null },
      { begin: "bootstrap" },
      { begin: {} },
      { begin: { kind: "other" } },
      { begin: { ...begin, kind: "other" } },
      { begin: { kind: "join", learner: false } },
      { begin: { kind: "join", url: 7, learner: false } },
      { begin: { kind: "join", url: "http://127.0.0.1:8091" } },
      { nodeId: 1 },
      { clusterId: null },
      { incarnation: 5 },
    ]) {
      await writeFile(file, identityOf(refused));
      const error = await rejection(() => openDataDirectory(root, { nodeId: (refused.nodeId ?? "n1") as string }));
      expect(error, JSON.stringify(refused)).to.be.instanceOf(StorageError);
      expect(error.message).to.contain(`${file} does not verify`);
    }
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

describe("a database that does not open", () => {
  it("is another process's when it is locked, and else the disk's", () => {
    const locked = Object.assign(new Error("lock"), { code: "LEVEL_LOCKED" });
    for (const error of [locked, new Error("not open", { cause: locked })]) {
      const explained = explainOpenFailure("/data/log", error);
      expect(explained).to.be.instanceOf(StartError);
      expect(explained.message).to.equal("another process uses /data/log");
    }
    for (const [error, why] of [
      [new Error("no space"), "no space"],
      [new Error("not open", { cause: new Error("no space") }), "no space"],
      ["no space", "no space"],
    ] as const) {
      const explained = explainOpenFailure("/data/log", error);
      expect(explained).to.be.instanceOf(StorageError);
      expect(explained.message).to.equal(`/data/log cannot be opened: ${why}`);
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
