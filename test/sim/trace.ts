/**
 * @module
 * What has happened, as a running hash and, when asked for, as lines: two runs of one seed must agree in it.
 */

export class Trace {
  #hash = 0x811c9dc5;
  #events = 0;
  readonly #words = new Map<string, number>();
  readonly #print: ((line: string) => void) | null;
  readonly #now: () => number;

  constructor(now: () => number, print: ((line: string) => void) | null) {
    this.#now = now;
    this.#print = print;
  }

  get events(): number {
    return this.#events;
  }

  /** Of everything noted so far. */
  get digest(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** One event, with up to three numbers that tell it from others; their `names` are for the reader alone. */
  note(what: string, node: string, names: string, one = 0, two = 0, three = 0): void {
    this.#events += 1;
    let hash = Math.imul(this.#hash ^ this.#word(what), 0x01000193);
    hash = Math.imul(hash ^ this.#word(node), 0x01000193);
    hash = Math.imul(hash ^ (this.#now() | 0), 0x01000193);
    hash = Math.imul(hash ^ one, 0x01000193);
    hash = Math.imul(hash ^ two, 0x01000193);
    hash = Math.imul(hash ^ three, 0x01000193);
    this.#hash = hash ^ (hash >>> 15);
    if (this.#print === null) return;
    const time = (this.#now() / 1e6).toFixed(6).padStart(10);
    const numbers = [one, two, three];
    const said = names === "" ? [] : names.split(" ").map((name, at) => `${name} ${numbers[at] ?? 0}`);
    this.#print(`${time} ${node.padEnd(6)} ${what.padEnd(22)} ${said.join(", ")}`);
  }

  #word(text: string): number {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    let hash = 0x811c9dc5;
    for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    this.#words.set(text, hash);
    return hash;
  }
}
