/** Lines that come in by themselves: the last of them, in a box that follows its end unless somebody reads further up. */

import { h, View } from "./dom.js";
import { t } from "./i18n.js";

const KEPT = 1000;
const SHOWN = 500;
const NEAR = 12;

export class LiveLines extends View {
  #kept = [];
  #waiting = [];
  #missed = 0;
  #held = false;
  #following = true;
  #frame = 0;
  #fresh = [];
  #list = h("ol", { class: "lines-list" });
  #box;
  #drawn;
  #wanted;

  /**
   * `label` says what is in the box for those who don't see it, `drawn` returns a line as an `li`, and `wanted` whether it
   * is among those that are looked for.
   */
  constructor({ label, drawn, wanted }) {
    super();
    this.#drawn = drawn;
    this.#wanted = wanted;
    const box = { class: "lines-box", tabindex: "0", role: "log", "aria-live": "off", "aria-label": label };
    this.#box = h("div", { ...box, onscroll: () => this.#scrolled() }, this.#list);
  }

  start() {
    this.ended.addEventListener("abort", () => cancelAnimationFrame(this.#frame));
  }

  render() {
    return [
      this.#box,
      this.#list.childElementCount === 0 ? h("p", { class: "lines-none quiet" }, t("live.nothing")) : null,
      this.#following ? null : h("button", { type: "button", class: "button lines-newest", onclick: () => this.#follow() }, t("live.newest")),
    ];
  }

  /** How many lines came since they are held back. */
  get missed() {
    return this.#missed;
  }

  /** Hold lines back, or let them in again. */
  hold(held) {
    this.#held = held;
    if (held) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#missed = 0;
    for (const line of waiting) this.#take(line);
  }

  /** Forget all lines: those that come are counted anew. */
  clear() {
    this.#kept = [];
    this.#waiting = [];
    this.#missed = 0;
  }

  /** Take what there was before, oldest first; what came since then stays behind it. */
  begin(lines) {
    const newest = lines.at(-1)?.n ?? -1;
    this.#kept = [...lines, ...this.#kept.filter(({ n }) => n > newest)].slice(-KEPT);
    this.filter();
  }

  /** Take a line that came; one that is there already comes twice when the stream is resumed. */
  add(line) {
    if (!this.#held) {
      this.#take(line);
      return;
    }
    this.#missed += 1;
    this.#waiting.push(line);
    if (this.#waiting.length > KEPT) this.#waiting.shift();
  }

  /** Draw again because other lines are looked for. */
  filter() {
    this.#fresh = [];
    const lines = this.#kept.filter(this.#wanted).slice(-SHOWN);
    this.#list.replaceChildren(...lines.map((line) => this.#drawn(line)));
    this.#follow();
  }

  #take(line) {
    if (line.n <= (this.#kept.at(-1)?.n ?? -1)) return;
    this.#kept.push(line);
    if (this.#kept.length > KEPT) this.#kept.shift();
    if (!this.#wanted(line)) return;
    this.#fresh.push(line);
    this.#frame ||= requestAnimationFrame(() => this.#append());
  }

  #append() {
    this.#frame = 0;
    const fresh = this.#fresh.slice(-SHOWN);
    this.#fresh = [];
    if (!this.#following) this.#makeRoom(fresh.length);
    this.#list.append(...fresh.map((line) => this.#drawn(line)));
    if (this.#following) {
      this.#makeRoom(0);
      this.#box.scrollTop = this.#box.scrollHeight;
    }
    this.draw();
  }

  /** Remove the oldest lines, and leave in its place what is read. */
  #makeRoom(coming) {
    const height = this.#box.scrollHeight;
    const top = this.#box.scrollTop;
    while (this.#list.childElementCount + coming > SHOWN && this.#list.firstElementChild) this.#list.firstElementChild.remove();
    if (!this.#following) this.#box.scrollTop = top - (height - this.#box.scrollHeight);
  }

  #scrolled() {
    const following = this.#box.scrollTop + this.#box.clientHeight >= this.#box.scrollHeight - NEAR;
    if (following === this.#following) return;
    this.#following = following;
    this.redraw();
  }

  #follow() {
    this.#following = true;
    this.#box.scrollTop = this.#box.scrollHeight;
    this.draw();
  }
}

customElements.define("live-lines", LiveLines);
