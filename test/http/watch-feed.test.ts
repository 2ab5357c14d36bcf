import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { Backlogs } from "../../src/http/backlogs.ts";
import { PastRoom } from "../../src/http/past-room.ts";
import { WatchFeed } from "../../src/http/watch-feed.ts";
import { WatchHistory } from "../../src/http/watch-history.ts";
import type { WatchAsk } from "../../src/http/watch-query.ts";
import { Watcher } from "../../src/http/watcher.ts";
import { afterRevision } from "../../src/kv/keys.ts";
import { rangeOfPrefix, successorOf } from "../../src/kv/transaction.ts";
import { HistoryDouble, SinkDouble, untilTrue } from "./watch-double.ts";

const bytesMax = 1000;
const pastBytesMax = 3000;

describe("watches of a node", () => {
  let history: HistoryDouble;
  let feed: WatchFeed;
  let behind: WatchHistory;
  let backlogs: Backlogs;
  const tally = { events: 0, lagged: 0 };
  const watchers: Watcher[] = [];

  beforeEach(() => {
    history = new HistoryDouble();
    feed = new WatchFeed(history.backend, (watcher) => behind.follow(watcher));
    backlogs = new Backlogs({ bytesMax, totalBytesMax: 3 * bytesMax });
    behind = new WatchHistory(history.backend, feed, new PastRoom(pastBytesMax));
    tally.events = 0;
    tally.lagged = 0;
  });

  afterEach(() => {
    for (const watcher of watchers.splice(0)) {
      feed.leave(watcher);
      watcher.close();
    }
    expect(history.failures).to.deep.equal([]);
  });

  function watch(range: { key: string } | { prefix: string }, since: number, after = afterRevision(since)): SinkDouble {
    const sink = new SinkDouble();
    const bytes = Buffer.from("key" in range ? range.key : range.prefix);
    const keys =
      "key" in range
        ? { key: bytes, range: { from: bytes, to: successorOf(bytes) } }
        : { key: null, range: rangeOfPrefix(bytes) };
    const ask: WatchAsk = { ...keys, after: null, previous: false };
    const watcher = new Watcher(ask, after, sink, backlogs, tally);
    watchers.push(watcher);
    behind.follow(watcher);
    return sink;
  }

  function command(...keys: readonly string[]): void {
    history.command(...keys.map((key) => [key, "v"] as const));
    feed.wake();
  }

  /** Once `sink` has been given as many, they are these. */
  async function given(sink: SinkDouble, ...events: readonly string[]): Promise<void> {
    await untilTrue(`${events.length} events`, () => sink.events.length >= events.length);
    expect(sink.events).to.deep.equal(events);
  }

  it("give each the changes of its keys, in order, each once, from where it begins", async () => {
    command("a");
    command("b");
    const sinks = [watch({ key: "a" }, 0), watch({ prefix: "" }, 1), watch({ prefix: "b" }, 2), watch({ key: "c" }, 0)];
    command("a");
    history.command(["b", null]);
    command("b/1");
    const [a, all, b, c] = sinks;
    if (a === undefined || all === undefined || b === undefined || c === undefined) throw new RangeError("four");
    await given(all, "2 put b", "3 put a", "4 delete b", "5 put b/1");
    await given(a, "1 put a", "3 put a");
    await given(b, "4 delete b", "5 put b/1");
    await given(c);
  });

  it("mark all but the last event of a command with its place, over the keys of all", async () => {
    const some = watch({ prefix: "b" }, 0);
    const all = watch({ prefix: "" }, 0);
    command("a", "b1", "c", "b2", "b3");
    command("b");
    await given(all, "1.1 put a", "1.2 put b1", "1.3 put c", "1.4 put b2", "1 put b3", "2 put b");
    await given(some, "1.2 put b1", "1.4 put b2", "1 put b3", "2 put b");
  });

  it("resume in the middle of a command, with the rest of it alone", async () => {
    command("a", "b", "c");
    command("d");
    const resumed = watch({ prefix: "" }, 0, { revision: 1, ordinal: 0 });
    await given(resumed, "1.2 put b", "1 put c", "2 put d");
    const last = watch({ prefix: "a" }, 0, { revision: 1, ordinal: 0 });
    command("a");
    await given(last, "3 put a");
  });

  it("mark the last event of a command rightly also when it is read in pieces", async () => {
    const keys = Array.from({ length: 40 }, (_, at) => `k${String(at).padStart(2, "0")}`);
    const live = watch({ prefix: "" }, 0);
    const early = watch({ prefix: "k0" }, 0);
    command(...keys);
    command("z");
    const wanted = keys.map((key, at) => (at === 39 ? `1 put ${key}` : `1.${at + 1} put ${key}`));
    await given(live, ...wanted, "2 put z");
    await given(early, ...wanted.slice(0, 9), "1 put k09");
    await given(watch({ prefix: "k0" }, 0), ...wanted.slice(0, 9), "1 put k09");
  });

  it("wait for what lies ahead, and give nothing before it", async () => {
    const ahead = watch({ prefix: "" }, 2);
    const now = watch({ prefix: "" }, 0);
    command("a");
    command("b");
    command("c");
    await given(now, "1 put a", "2 put b", "3 put c");
    await given(ahead, "3 put c");
    await given(watch({ prefix: "" }, 1), "2 put b", "3 put c");
  });

  it("read nothing while there are none, and once for all of them", async () => {
    for (let at = 0; at < 10; at++) command("a");
    expect(history.reads).to.equal(0);
    const sinks = Array.from({ length: 100 }, () => watch({ key: "a" }, 10));
    command("a");
    for (const sink of sinks) await given(sink, "11 put a");
    expect(history.reads).to.equal(1);
  });

  it("wait for the end of a read without reading by themselves what they have", async () => {
    watch({ prefix: "" }, 0);
    let open: () => void = () => undefined;
    history.gate = new Promise((resolve) => {
      open = resolve;
    });
    command("a");
    const sinks = Array.from({ length: 100 }, () => watch({ key: "a" }, 1));
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(history.reads).to.equal(1);
    history.gate = null;
    open();
    await untilTrue("their coming", () => feed.reading === null && feed.position.revision === 1);
    command("a");
    for (const sink of sinks) await given(sink, "2 put a");
    expect(history.reads).to.equal(2);
  });

  it("give one that comes while changes are given out all that it lacks, each once", async () => {
    const first = watch({ prefix: "" }, 0);
    let open: () => void = () => undefined;
    history.gate = new Promise((resolve) => {
      open = resolve;
    });
    command("a");
    const late = watch({ prefix: "" }, 0);
    command("b");
    history.gate = null;
    open();
    await given(first, "1 put a", "2 put b");
    await given(late, "1 put a", "2 put b");
    await given(watch({ prefix: "" }, 0), "1 put a", "2 put b");
  });

  it("end one that does not take its events with the revision to come back with; the others go on", async () => {
    const slow = watch({ prefix: "" }, 0);
    const quick = watch({ prefix: "" }, 0);
    slow.stalled = true;
    let revision = 0;
    while (!slow.ended && revision < 100) {
      command("key");
      revision++;
      await untilTrue("the quick one", () => quick.events.length === revision);
    }
    const resume = Number(/^\d+ lagged (\d+)$/.exec(slow.events.at(-1) ?? "")?.[1]);
    expect(slow.writableLength).to.be.within(bytesMax, bytesMax + 500);
    expect(slow.events.slice(0, -1)).to.deep.equal(quick.events.slice(0, resume));
    expect(tally.lagged).to.equal(1);
    await given(watch({ prefix: "" }, resume), ...quick.events.slice(resume));
  });

  it("end whoever is behind once all together are too much", async () => {
    const slow = Array.from({ length: 8 }, () => watch({ prefix: "" }, 0));
    for (const sink of slow) sink.stalled = true;
    const quick = watch({ prefix: "" }, 0);
    for (let revision = 1; revision <= 9; revision++) {
      command("key");
      await untilTrue("the quick one", () => quick.events.length === revision);
    }
    expect(tally.lagged).to.be.greaterThan(0);
    expect(Math.max(...slow.map((sink) => sink.writableLength)), "none by itself").to.be.below(bytesMax);
    const total = slow.reduce((bytes, sink) => bytes + sink.writableLength, 0);
    expect(total).to.be.below(3 * bytesMax + 8 * 250);
  });

  it("give the past at the reader's own pace, also while nobody else watches", async () => {
    for (let at = 0; at < 60; at++) command("key");
    const slow = watch({ prefix: "" }, 0);
    slow.stalled = true;
    await untilTrue("what one read gives", () => slow.events.length === 8);
    const now = watch({ prefix: "" }, 60);
    command("key");
    await given(now, "61 put key");
    expect(slow.ended).to.equal(false);
    slow.drain();
    await given(slow, ...Array.from({ length: 61 }, (_, at) => `${at + 1} put key`));
    expect(tally.lagged).to.equal(0);
  });

  it("give a client that takes nothing of the past 30 s, and one that follows what is new as long as it likes", async () => {
    for (let at = 0; at < 60; at++) command("key");
    const slow = watch({ prefix: "" }, 0);
    slow.stalled = true;
    const now = watch({ prefix: "" }, 60);
    now.stalled = true;
    command("key");
    await untilTrue("both have bytes that they do not take", () => slow.writableLength > 0 && now.events.length === 1);
    await untilTrue("the time limit of the past", () => slow.timeoutMs === 30_000);
    expect(now.timeoutMs).to.equal(0);
    slow.drain();
    await untilTrue("the end of the past", () => slow.events.length === 61);
    expect(slow.timeoutMs).to.equal(0);
  });

  it("keep the past that their clients have not taken within a bound for all together", async () => {
    const value = "v".repeat(200);
    for (let at = 0; at < 20; at++) history.command(["key", value]);
    const slow = Array.from({ length: 40 }, () => watch({ prefix: "" }, 0));
    for (const sink of slow) sink.stalled = true;
    const untaken = (): number => slow.reduce((bytes, sink) => bytes + sink.writableLength, 0);
    await untilTrue("as much as a read gives one of them", () => untaken() > 500);
    await untilTrue("all of it, once it is taken", () => {
      expect(untaken()).to.be.at.most(pastBytesMax);
      for (const sink of slow) sink.drain();
      return slow.every((sink) => sink.events.length === 20);
    });
    expect(tally.lagged).to.equal(0);
  });

  describe("of the past, beside others whose clients take nothing", () => {
    const roomBytes = 100_000;
    const stalledWatches = 100;
    let stalled: readonly SinkDouble[];

    /** They leave untaken what they may. */
    async function stall(): Promise<void> {
      behind = new WatchHistory(history.backend, feed, new PastRoom(roomBytes));
      stalled = Array.from({ length: stalledWatches }, () => watch({ prefix: "" }, 0));
      for (const sink of stalled) sink.stalled = true;
      await untilTrue("half of the room taken", () => untaken() > roomBytes / 2 - 5_000);
    }

    function untaken(): number {
      return stalled.reduce((bytes, sink) => bytes + sink.writableLength, 0);
    }

    it("go on, since each of the others holds no more than its share", async () => {
      for (let at = 0; at < 300; at++) history.command(["key", "v".repeat(200)], ["other", "v"]);
      await stall();
      const quick = [watch({ prefix: "" }, 0), watch({ key: "key" }, 100)];
      await untilTrue("the one", () => quick[0]?.events.length === 600);
      await untilTrue("the other", () => quick[1]?.events.length === 200);
      expect(quick[0]?.events.slice(-2)).to.deep.equal(["300.1 put key", "300 put other"]);
      expect(untaken()).to.be.at.most(roomBytes);
      expect(
        stalled.some(({ timeoutMs }) => timeoutMs === 2_000),
        "nobody is hurried",
      ).to.equal(false);
      const [first] = stalled;
      first?.drain();
      await untilTrue("one that takes its events after all", () => first?.events.length === 600);
      expect(first?.events).to.deep.equal(quick[0]?.events);
      expect(tally.lagged).to.equal(0);
    });

    it("wait with a change larger than a share until one of those has gone, who are given little time now", async () => {
      for (let at = 0; at < 20; at++) history.command(["key", "v".repeat(3_000)]);
      await stall();
      const quick = watch({ prefix: "" }, 0);
      await untilTrue("those that have more than a share are hurried", () =>
        stalled.some(({ timeoutMs }) => timeoutMs === 2_000),
      );
      expect(untaken()).to.be.at.most(roomBytes);
      expect(quick.events).to.deep.equal([]);
      await untilTrue("all of it, as they are cut off", () => {
        for (const [place, sink] of stalled.entries()) {
          if (sink.timeoutMs !== 2_000) continue;
          watchers[place]?.close();
          sink.writableLength = 0;
        }
        expect(untaken()).to.be.at.most(roomBytes);
        return quick.events.length === 20;
      });
    });
  });

  it("count nothing of those whose client has gone", () => {
    const sink = watch({ prefix: "" }, 0);
    sink.stalled = true;
    sink.write(Buffer.alloc(2 * bytesMax));
    const [watcher] = watchers;
    expect(watcher?.isBehind).to.equal(true);
    expect(backlogs.total).to.equal(2 * bytesMax);
    watcher?.close();
    expect(watcher?.isBehind).to.equal(false);
    expect(backlogs.total).to.equal(0);
  });

  it("let one that falls behind in the middle of a command go on at its own pace", async () => {
    const keys = Array.from({ length: 60 }, (_, at) => `k${String(at).padStart(2, "0")}`);
    const slow = watch({ prefix: "" }, 0);
    const quick = watch({ prefix: "" }, 0);
    slow.stalled = true;
    command(...keys);
    await untilTrue("the quick one", () => quick.events.length === 60);
    expect(slow.ended).to.equal(false);
    expect(slow.events.length).to.be.below(60);
    slow.drain();
    command("z");
    await given(slow, ...quick.events.slice(0, 60), "2 put z");
  });

  it("go on when the state is replaced", async () => {
    const sink = watch({ prefix: "" }, 0);
    let open: () => void = () => undefined;
    history.gate = new Promise((resolve) => {
      open = resolve;
    });
    command("a");
    await untilTrue("a read under way", () => history.reads > 0);
    history.replace();
    command("b");
    history.gate = null;
    open();
    await given(sink, "1 put a", "2 put b");
  });

  it("are ended when the state is replaced by one whose history begins later, but for those that wait", async () => {
    const sink = watch({ prefix: "" }, 0);
    const ahead = watch({ prefix: "" }, 50);
    command("a");
    await given(sink, "1 put a");
    history.revision = 40;
    history.compactedRevision = 30;
    history.replace();
    feed.wake();
    await given(sink, "1 put a", "1 lagged 1");
    expect(sink.ended).to.equal(true);
    history.revision = 50;
    command("b");
    await given(ahead, "51 put b");
  });

  it("are given what is compacted right after it came", async () => {
    const live = watch({ prefix: "" }, 0);
    command("a");
    await given(live, "1 put a");
    history.command(["a", "v"], ["b", "v"]);
    history.command(["c", "v"]);
    history.compactedRevision = 3;
    history.historyFrom = 1;
    feed.wake();
    await given(live, "1 put a", "2.1 put a", "2 put b", "3 put c");
    const late = watch({ prefix: "" }, 1);
    await untilTrue("the end of one that comes then", () => late.ended);
    expect(late.events).to.deep.equal(["1 lagged 1"]);
  });

  it("cannot come back from what has been compacted meanwhile", async () => {
    for (let at = 0; at < 30; at++) command("a");
    watch({ key: "other" }, 30);
    const slow = watch({ prefix: "" }, 0);
    slow.stalled = true;
    await untilTrue("what one read gives", () => slow.events.length === 8);
    history.compactedRevision = 30;
    slow.drain();
    await untilTrue("its end", () => slow.ended);
    expect(slow.events.slice(7)).to.deep.equal(["8 put a", "8 lagged 8"]);
  });

  it("carry in their signs of life how far they are", async () => {
    const quiet = watch({ key: "nobody" }, 0);
    const watcher = watchers[0];
    command("a");
    command("b");
    await untilTrue("what all have", () => feed.position.revision === 2);
    watcher?.keepAlive(feed.position);
    expect(quiet.text).to.equal(": 2\nid: 2\n\n");
    expect(quiet.events).to.deep.equal([]);
    const ahead = watch({ key: "nobody" }, 9);
    watchers[1]?.keepAlive(feed.position);
    expect(ahead.text, "never back").to.equal(": 9\nid: 9\n\n");
  });
});
