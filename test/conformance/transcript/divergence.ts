/**
 * @module
 * Where the core does on purpose what the transcripts do not: DESIGN.md, "Divergences", argues each.
 */

/** Thrown when a transcript comes to such a place; what follows there is another story. */
export class Divergence extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Divergence";
  }
}

export const divergences = {
  unknownCommand: (command: string): Divergence => new Divergence(`the core has no \`${command}\``),
  option: (option: string): Divergence => new Divergence(`the core has no option \`${option}\``),
  refusal: (reason: string): Divergence => new Divergence(`a change that cannot be made is refused (${reason})`),
  leaving: (): Divergence =>
    new Divergence(
      "a leader that was removed waits for those that remain to know of it, then hands over to one of them",
    ),
};

/** Noted, not thrown: the transcript can be followed to its end, and all else in it is compared. */
export const sentBeforeWrite = "a message leaves when its term is durable; in the transcript it leaves before";

export const refusedChange =
  "a refused change is reported to who asked; in the transcript an empty entry stands in its place";
