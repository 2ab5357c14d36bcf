/**
 * @module
 * The nodes that a client may ask, and which of them it asks first.
 */

/** In the order of the list, beginning with the one that answered last. */
export class Endpoints {
  readonly urls: readonly URL[];
  #preferred = 0;

  /** Throws a RangeError for a list or an URL that cannot be used. */
  constructor(texts: readonly string[]) {
    this.urls = texts.map(parseEndpoint);
    if (this.urls.length === 0) throw new RangeError("a client needs at least one endpoint");
  }

  get count(): number {
    return this.urls.length;
  }

  /** Where a call begins: the index of the endpoint that answered last. */
  get first(): number {
    return this.#preferred;
  }

  /** The endpoint of an index that may count on beyond the end of the list. */
  at(index: number): URL {
    const url = this.urls[index % this.urls.length];
    if (url === undefined) throw new RangeError(`there is no endpoint ${index}`);
    return url;
  }

  prefer(index: number): void {
    this.#preferred = index % this.urls.length;
  }

  /** Whether a redirect there may be followed: nobody but these nodes is to see what is stored. */
  knows(origin: string): boolean {
    return this.urls.some((url) => url.origin === origin);
  }
}

function parseEndpoint(text: string): URL {
  const full = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url?.protocol !== "http:")
    throw new RangeError(`${JSON.stringify(text)} is not an endpoint as http://127.0.0.1:8091`);
  return url;
}
