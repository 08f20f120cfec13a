// A small seeded generator (xorshift128), so that two runs ask the same questions.
export class Random {
  constructor(seed) {
    this.state = [seed | 0 || 1, 0x9e3779b9 | 0, 0x243f6a88 | 0, 0xb7e15162 | 0];
    for (let i = 0; i < 20; i++) this.word();
  }

  word() {
    let [t, , , s] = this.state;
    t ^= t << 11;
    t ^= t >>> 8;
    this.state = [this.state[1], this.state[2], this.state[3], t ^ s ^ (s >>> 19)];
    return this.state[3] >>> 0;
  }

  /** An integer in [0, bound). */
  below(bound) {
    return Math.floor((this.word() / 4294967296) * bound);
  }

  chance(probability) {
    return this.word() / 4294967296 < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** `count` different positions of `list`, in random order. */
  sample(list, count) {
    const rest = [...list];
    const out = [];
    while (out.length < count && rest.length) out.push(rest.splice(this.below(rest.length), 1)[0]);
    return out;
  }
}
