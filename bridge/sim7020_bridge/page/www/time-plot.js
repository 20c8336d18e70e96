/** `<time-plot>`: values over time by uPlot, with outages as bands, for the mouse, the finger and the keyboard. */

import { h, show } from "./dom.js";
import { current, dateTime, moment, shortTime, t } from "./i18n.js";
import { colours } from "./themes.js";

let library = null;

/** Load uPlot once, with the first plot: it is a classic script that leaves one name behind. */
export function load() {
  library ??= Promise.all([
    new Promise((resolve, reject) => {
      document.head.append(h("script", { src: new URL("vendor/uPlot.iife.min.js", import.meta.url).pathname, onload: resolve, onerror: reject }));
    }),
    new Promise((resolve) => {
      document.head.append(h("link", { rel: "stylesheet", href: new URL("vendor/uPlot.min.css", import.meta.url).pathname, onload: resolve, onerror: resolve }));
    }),
  ]);
  return library;
}

/**
 * The property `plot` says what is drawn:
 * `{ label, time, from, to, outages, scales: {name: {range, marks, side, written}}, lines: [{ name, values, scale, colour, dash, kind, written }] }`.
 * `colour` is the name of a token; `kind` is `line`, `steps` or `bars`; `written` writes a value, `marks` are drawn across.
 */
class TimePlot extends HTMLElement {
  #plot = null;
  #drawn = null;
  #chart = null;
  #parts = null;
  #observer = null;
  #end = null;
  #place = null;

  set plot(plot) {
    this.#plot = plot;
    if (this.isConnected) this.#draw();
  }

  connectedCallback() {
    this.#end = new AbortController();
    colours.addEventListener("change", () => this.#renew(), { signal: this.#end.signal });
    const field = h("div", { class: "plot-field", tabindex: "0", role: "group", onkeydown: (event) => this.#key(event), onblur: () => this.#leave() });
    const legend = h("div", { class: "plot-legend" });
    const spoken = h("p", { class: "hidden-words", role: "status" });
    this.#parts = { field, legend, spoken };
    this.replaceChildren(legend, field, spoken);
    this.#observer = new ResizeObserver(() => this.#chart?.setSize({ width: field.clientWidth, height: HEIGHT }));
    this.#observer.observe(field);
    if (this.#plot) this.#draw();
  }

  disconnectedCallback() {
    this.#end.abort();
    this.#observer.disconnect();
    this.#chart?.destroy();
    this.#chart = null;
  }

  #draw() {
    this.#parts.field.setAttribute("aria-label", t("modem.plot.keys", { label: this.#plot.label }));
    const shape = JSON.stringify([current(), this.#plot.lines.map(({ name }) => name), Object.keys(this.#plot.scales)]);
    if (this.#chart && shape === this.#drawn) {
      this.#chart.setData(this.#data());
      this.#tell();
      return;
    }
    this.#drawn = shape;
    this.#renew();
  }

  #data() {
    return [this.#plot.time, ...this.#plot.lines.map(({ values }) => values)];
  }

  #renew() {
    if (!this.#plot || !this.isConnected) return;
    this.#chart?.destroy();
    this.#chart = new window.uPlot(this.#options(), this.#data(), this.#parts.field);
    this.#tell();
  }

  #options() {
    const colour = (token) => getComputedStyle(this).getPropertyValue(token).trim();
    const { paths } = window.uPlot;
    const scales = Object.entries(this.#plot.scales);
    return {
      width: this.#parts.field.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: "history" }, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        x: { time: true, range: () => [this.#plot.from, this.#plot.to] },
        ...Object.fromEntries(scales.map(([name, { range }]) => [name, { range: (chart, least, greatest) => range(least, greatest) }])),
      },
      axes: [
        { ...axis(colour), values: (chart, splits) => splits.map((time) => tick(time)), space: 64, size: 28 },
        ...scales.map(([name, { side = 3, written }], n) => ({
          ...axis(colour), scale: name, side, size: 58, incrs: STEPS, grid: n ? { show: false } : axis(colour).grid,
          values: (chart, splits) => splits.map((value) => (Number.isInteger(value) || side === 3 ? written(value) : "")),
        })),
      ],
      series: [
        {},
        ...this.#plot.lines.map((line) => ({
          scale: line.scale,
          stroke: colour(line.colour),
          width: line.kind === "bars" ? 0 : 2,
          fill: line.kind === "bars" ? colour(line.colour) : undefined,
          dash: line.dash,
          paths: { bars: paths.bars({ size: [0.8, 24] }), steps: paths.stepped({ align: 1 }), line: paths.linear() }[line.kind ?? "line"],
          points: line.kind === "bars" ? { show: false } : { show: true, size: 4, fill: colour(line.colour), filter: (chart, n, shown) => shown && alone(line.values) },
        })),
      ],
      hooks: { drawClear: [(chart) => this.#ground(chart, colour)], setCursor: [(chart) => this.#at(chart.cursor.idx)] },
    };
  }

  /** What lies behind the lines: the outages, and the marks of a scale. */
  #ground(chart, colour) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = colour("--outage");
    for (const { from, to } of this.#plot.outages) {
      const left = chart.valToPos(from, "x", true);
      const right = chart.valToPos(to ?? this.#plot.to, "x", true);
      ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
    }
    ctx.strokeStyle = colour("--edge");
    ctx.setLineDash([2, 5]);
    for (const [name, { marks = [] }] of Object.entries(this.#plot.scales)) {
      for (const mark of marks) {
        const y = Math.round(chart.valToPos(mark, name, true)) + 0.5;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
    }
    ctx.restore();
  }

  #at(place) {
    if (place === this.#place) return;
    this.#place = place;
    this.#tell();
  }

  /** Write the values under the cursor, or the last ones, into the legend. */
  #tell() {
    const { time, lines } = this.#plot;
    const pointed = this.#place !== null && this.#place !== undefined && this.#place < time.length;
    show(
      this.#parts.legend,
      lines.map((line) => {
        const value = pointed ? line.values[this.#place] : line.values.findLast((known) => known !== null && known !== undefined);
        return h(
          "span",
          { class: "plot-key", key: line.name },
          h("span", { class: `plot-line ${line.kind ?? "line"}${line.dash ? " dashed" : ""}`, style: { "--line-colour": `var(${line.colour})` } }),
          line.name,
          line.kind === "bars" && !pointed ? null : h("strong", { class: "numbers" }, written(line, value)),
        );
      }),
      h("span", { class: "plot-time numbers quiet" }, pointed ? shortTime(time[this.#place] * 1000) : null),
    );
  }

  #key(event) {
    const last = this.#plot.time.length - 1;
    const here = this.#place ?? last;
    const wide = Math.max(1, Math.round(last / 24));
    const moves = { ArrowLeft: here - 1, ArrowRight: here + 1, PageUp: here - wide, PageDown: here + wide, Home: 0, End: last };
    if (event.key === "Escape") this.#leave();
    if (!(event.key in moves) || last < 0) return;
    event.preventDefault();
    const place = Math.min(Math.max(moves[event.key], 0), last);
    const { time, lines } = this.#plot;
    this.#chart.setCursor({ left: this.#chart.valToPos(time[place], "x"), top: 10 });
    this.#at(place);
    this.#parts.spoken.textContent = [dateTime(time[place] * 1000), ...lines.map((line) => `${line.name} ${written(line, line.values[place])}`)].join(", ");
  }

  #leave() {
    this.#parts.spoken.textContent = "";
    this.#chart?.setCursor({ left: -10, top: -10 });
  }
}

const HEIGHT = 190;

/** Steps of an axis: nothing that is drawn here has parts of one. */
const STEPS = Array.from({ length: 12 }, (_, n) => [1, 2, 5].map((digit) => digit * 10 ** n)).flat();

/** The places of values without neighbours, which no line leads to. */
function alone(values) {
  const known = (n) => values[n] !== null && values[n] !== undefined;
  return values.map((_, n) => n).filter((n) => known(n) && !known(n - 1) && !known(n + 1));
}

function written(line, value) {
  return value === null || value === undefined ? "–" : line.written(value);
}

function axis(colour) {
  return {
    stroke: colour("--quiet"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1, size: 4 },
  };
}

function tick(time) {
  const date = new Date(time * 1000);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  const options = midnight ? { weekday: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" };
  return moment(date, options);
}

customElements.define("time-plot", TimePlot);
