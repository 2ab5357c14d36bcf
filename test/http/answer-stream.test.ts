import { EventEmitter } from "node:events";
import { expect } from "chai";
import { describe, it } from "mocha";
import { AnswerStream } from "../../src/http/answer-stream.ts";
import type { Exchange } from "../../src/http/exchange.ts";

const stallMs = 60;

/** A client that takes nothing until it is told to. */
class StalledClient extends EventEmitter {
  readonly destroyed = false;
  written = 0;
  cuts = 0;
  finished = false;

  write(bytes: Uint8Array): boolean {
    this.written += bytes.length;
    return false;
  }

  get exchange(): Exchange {
    const double = {
      response: this,
      request: { socket: { destroyed: false } },
      begin: () => undefined,
      finish: () => {
        this.finished = true;
      },
      cut: () => {
        this.cuts++;
      },
    };
    return double as unknown as Exchange;
  }
}

describe("an answer in pieces", () => {
  it("goes on as long as its client takes some of it, however slowly", async () => {
    const client = new StalledClient();
    const stream = new AnswerStream(client.exchange, 200, [], stallMs);
    const taking = setInterval(() => client.emit("drain"), stallMs / 3);
    const startedAt = performance.now();
    expect(await stream.write(Buffer.alloc(160 * 1024))).to.equal(true);
    clearInterval(taking);
    expect(performance.now() - startedAt).to.be.above(stallMs);
    expect(client.written).to.equal(160 * 1024);
    stream.end();
    stream.close();
    expect([client.finished, client.cuts]).to.deep.equal([true, 0]);
  });

  it("is cut off, as one that is not whole, when its client takes nothing for too long", async () => {
    const client = new StalledClient();
    const stream = new AnswerStream(client.exchange, 200, [], stallMs);
    const startedAt = performance.now();
    expect(await stream.write(Buffer.alloc(160 * 1024))).to.equal(false);
    expect(performance.now() - startedAt).to.be.above(stallMs - 2);
    expect(client.written).to.be.below(160 * 1024);
    stream.close();
    stream.close();
    expect([client.finished, client.cuts]).to.deep.equal([false, 1]);
    expect(client.listenerCount("drain") + client.listenerCount("close")).to.equal(0);
  });
});
