import { type Micros, SECOND } from '@quiclab/sansio';

const MOST = 10;
const PERIOD = 5 * SECOND;

/** Acknowledgements that answer what should not have come: ten in five seconds, so that two ends that disagree do not go on for ever. RFC 5961 §7. */
export class Challenges {
  #count = 0;
  #since: Micros = 0;

  allow(now: Micros): boolean {
    if (now - this.#since >= PERIOD) {
      this.#since = now;
      this.#count = 0;
    }
    return ++this.#count <= MOST;
  }
}
