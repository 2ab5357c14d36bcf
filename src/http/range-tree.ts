/**
 * @module
 * Which of many ranges of keys a key lies in: a search tree by where ranges begin, balanced by random priorities, in
 * which each node knows how far the ranges below it reach.
 */

import { compareBytes } from "../kv/keys.ts";
import { isInRange, type KeyRange } from "../kv/transaction.ts";

interface Node<Value> {
  readonly range: KeyRange;
  /** All that were added with this range. */
  readonly values: Set<Value>;
  readonly priority: number;
  left: Node<Value> | null;
  right: Node<Value> | null;
  /** The furthest end of the ranges in this subtree; null: above every key. */
  reach: Uint8Array | null;
}

type Subtree<Value> = Node<Value> | null;

/** Each operation takes time in the logarithm of how many different ranges there are, and in how many it finds. */
export class RangeTree<Value> {
  #root: Subtree<Value> = null;

  add(range: KeyRange, value: Value): void {
    const found = this.#find(range);
    if (found !== null) {
      found.values.add(value);
      return;
    }
    const { from, to } = range;
    const values = new Set([value]);
    const node = { range, values, priority: Math.random(), left: null, right: null, reach: to };
    const [below, above] = split(this.#root, { from, to });
    this.#root = merge(merge(below, node), above);
  }

  remove(range: KeyRange, value: Value): void {
    const found = this.#find(range);
    if (found === null) return;
    found.values.delete(value);
    if (found.values.size === 0) this.#root = without(this.#root, range);
  }

  /** Appends the values of every range that holds the key, in no order. */
  collect(key: Uint8Array, into: Value[]): void {
    collect(this.#root, key, into);
  }

  /** Whether some range holds the key. */
  holds(key: Uint8Array): boolean {
    return holds(this.#root, key);
  }

  #find(range: KeyRange): Subtree<Value> {
    let node = this.#root;
    while (node !== null) {
      const order = compareRanges(range, node.range);
      if (order === 0) return node;
      node = order < 0 ? node.left : node.right;
    }
    return null;
  }
}

function collect<Value>(node: Subtree<Value>, key: Uint8Array, into: Value[]): void {
  if (node === null || (node.reach !== null && compareBytes(key, node.reach) >= 0)) return;
  collect(node.left, key, into);
  if (compareBytes(key, node.range.from) < 0) return;
  if (isInRange(key, node.range)) for (const value of node.values) into.push(value);
  collect(node.right, key, into);
}

function holds<Value>(node: Subtree<Value>, key: Uint8Array): boolean {
  if (node === null || (node.reach !== null && compareBytes(key, node.reach) >= 0)) return false;
  if (holds(node.left, key)) return true;
  if (compareBytes(key, node.range.from) < 0) return false;
  return isInRange(key, node.range) || holds(node.right, key);
}

/** What is below `at`, and the rest. */
function split<Value>(node: Subtree<Value>, at: KeyRange): [Subtree<Value>, Subtree<Value>] {
  if (node === null) return [null, null];
  if (compareRanges(node.range, at) < 0) {
    const [below, rest] = split(node.right, at);
    node.right = below;
    return [measured(node), rest];
  }
  const [below, rest] = split(node.left, at);
  node.left = rest;
  return [below, measured(node)];
}

/** Everything in `below` is below everything in `above`. */
function merge<Value>(below: Subtree<Value>, above: Subtree<Value>): Subtree<Value> {
  if (below === null) return above;
  if (above === null) return below;
  if (below.priority > above.priority) {
    below.right = merge(below.right, above);
    return measured(below);
  }
  above.left = merge(below, above.left);
  return measured(above);
}

function without<Value>(node: Subtree<Value>, range: KeyRange): Subtree<Value> {
  if (node === null) return null;
  const order = compareRanges(range, node.range);
  if (order === 0) return merge(node.left, node.right);
  if (order < 0) node.left = without(node.left, range);
  else node.right = without(node.right, range);
  return measured(node);
}

function measured<Value>(node: Node<Value>): Node<Value> {
  let reach = node.range.to;
  for (const child of [node.left, node.right]) if (child !== null) reach = further(reach, child.reach);
  node.reach = reach;
  return node;
}

function further(one: Uint8Array | null, other: Uint8Array | null): Uint8Array | null {
  if (one === null || other === null) return null;
  return compareBytes(one, other) >= 0 ? one : other;
}

/** By beginning, then by end. */
function compareRanges(one: KeyRange, other: KeyRange): number {
  const order = compareBytes(one.from, other.from);
  if (order !== 0) return order;
  if (one.to === null || other.to === null) return one.to === other.to ? 0 : one.to === null ? 1 : -1;
  return compareBytes(one.to, other.to);
}
