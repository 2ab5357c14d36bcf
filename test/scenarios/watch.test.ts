/**
 * @module
 * Watches that are cut, and readers that stand still while others write.
 */

import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { Backlogs } from "../../src/http/backlogs.ts";
import { PastRoom } from "../../src/http/past-room.ts";
import { WatchFeed } from "../../src/http/watch-feed.ts";
import { WatchHistory } from "../../src/http/watch-history.ts";
import { Watcher } from "../../src/http/watcher.ts";
import { afterRevision, type ChangePosition } from "../../src/kv/keys.ts";
import { rangeOfPrefix } from "../../src/kv/transaction.ts";
import { HistoryDouble, SinkDouble, untilTrue } from "../http/watch-double.ts";

const bytesMax = 4000;

let history: HistoryDouble;
let feed: WatchFeed;
let behind: WatchHistory;
let backlogs: Backlogs;
const watchers: Watcher[] = [];

beforeEach(() => {
  history = new HistoryDouble();
  feed = new WatchFeed(history.backend, (watcher) => behind.follow(watcher));
  backlogs = new Backlogs({ bytesMax, totalBytesMax: 3 * bytesMax });
  behind = new WatchHistory(history.backend, feed, new PastRoom(1.5 * bytesMax));
});

afterEach(() => {
  for (const watcher of watchers) leave(watcher);
  watchers.length = 0;
  expect(history.failures).to.deep.equal([]);
});

function leave(watcher: Watcher): void {
  feed.leave(watcher);
  watcher.close();
}

function watchAfter(after: ChangePosition): { readonly sink: SinkDouble; readonly watcher: Watcher } {
  const sink = new SinkDouble();
  const ask = { key: null, range: rangeOfPrefix(Buffer.from("")), after: null, previous: false };
  const watcher = new Watcher(ask, after, sink, backlogs, { events: 0, lagged: 0 });
  watchers.push(watcher);
  behind.follow(watcher);
  return { sink, watcher };
}

function command(...keys: readonly string[]): void {
  history.command(...keys.map((key) => [key, "v"] as const));
  feed.wake();
}

/** Where the event with that id stands, as a client says it when it comes back. */
function placeOf(event: string): ChangePosition {
  const [revision = "", ordinal] = (event.split(" ")[0] ?? "").split(".");
  if (ordinal === undefined) return afterRevision(Number(revision));
  return { revision: Number(revision), ordinal: Number(ordinal) - 1 };
}

describe("a watch that is cut, in the middle of a command too", () => {
  it("resumes behind the last event that arrived, wherever that was: nothing is missed, nothing comes twice", async () => {
    const written = [["a", "b", "c"], ["d"], ["e", "f"], Array.from({ length: 20 }, (_, at) => `k${at}`), ["z"]];
    for (const keys of written) command(...keys);
    const { sink: whole } = watchAfter(afterRevision(0));
    const count = written.flat().length;
    await untilTrue("all events", () => whole.events.length === count);
    for (let cut = 1; cut < count; cut += 1) {
      const last = whole.events[cut - 1] ?? "";
      const { sink, watcher } = watchAfter(placeOf(last));
      await untilTrue(`the rest after ${last}`, () => sink.events.length >= count - cut);
      expect(sink.events, `after ${last}`).to.deep.equal(whole.events.slice(cut));
      leave(watcher);
    }
  });
});

describe("a reader that stands still while others write", () => {
  it("is held no more for than its bound, is told where to come back, and then gets every event once", async () => {
    const { sink: quick } = watchAfter(afterRevision(0));
    const { sink: live } = watchAfter(afterRevision(0));
    live.stalled = true;
    const write = async (): Promise<void> => {
      const before = quick.events.length;
      for (let at = 0; at < 40; at += 1) command("k", "l");
      await untilTrue("all events at who reads", () => quick.events.length === before + 80);
    };
    await write();
    await untilTrue("the end of who does not", () => live.ended);
    expect(live.writableLength).to.be.within(bytesMax, bytesMax + 500);
    const [, resume] = /^\d+ lagged (\d+)$/.exec(live.events.at(-1) ?? "") ?? [];
    expect(live.events.slice(0, -1)).to.deep.equal(quick.events.slice(0, 2 * Number(resume)));

    // Come back, it stands still again: what it has missed is read for it only as it takes it.
    const { sink: late } = watchAfter(afterRevision(Number(resume)));
    late.stalled = true;
    await write();
    expect(late.writableLength).to.be.at.most(bytesMax + 500);
    expect(late.ended).to.equal(false);
    late.drain();
    const rest = quick.events.slice(2 * Number(resume));
    await untilTrue("the rest", () => late.events.length >= rest.length);
    expect(late.events).to.deep.equal(rest);
  });
});
