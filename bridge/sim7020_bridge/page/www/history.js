/** The history that the API gives, made into what is drawn and said. Nothing here touches the page. */

import { now } from "./now.js";

/** How many seconds each span covers, and how many of them a bar and a row of the table stand for. */
export const SPANS = {
  hour: { seconds: 3600, bar: 60, row: 300 },
  day: { seconds: 86400, bar: 1800, row: 3600 },
  week: { seconds: 604800, bar: 10800, row: 21600 },
};

/** A history by columns: `time` in unix seconds, and a list for each name, with null where there is no row. */
export class History {
  /** Takes the document of the API. */
  constructor({ columns, rows, outages = [], step }) {
    this.step = step;
    // One that ended in the minute that it began in has no length.
    this.outages = outages.filter(({ from, to }) => to === null || to > from);
    this.columns = Object.fromEntries(columns.map((name) => [name, []]));
    let before = null;
    for (const row of [...rows].sort((one, other) => one[0] - other[0])) {
      // A pause of the bridge is a gap and not a line across it.
      if (before !== null && row[0] - before > 1.5 * step) this.#add(columns, [before + step]);
      this.#add(columns, row);
      before = row[0];
    }
  }

  #add(columns, row) {
    columns.forEach((name, n) => this.columns[name].push(row[n] ?? null));
  }

  get time() {
    return this.columns.time ?? [];
  }

  /** The values of a column; a history without it has nothing but nulls. */
  values(name) {
    return this.columns[name] ?? this.time.map(() => null);
  }

  /** Least, greatest, mean and last of a column, or null if it has no value. */
  figures(name) {
    const known = this.values(name).filter((value) => typeof value === "number");
    if (!known.length) return null;
    return {
      least: Math.min(...known),
      greatest: Math.max(...known),
      mean: known.reduce((sum, value) => sum + value, 0) / known.length,
      last: known.at(-1),
    };
  }

  /** The sum of a column. */
  sum(name) {
    return this.values(name).reduce((sum, value) => sum + (value ?? 0), 0);
  }

  /**
   * The share of the recorded time that the modem was online, or null if nothing is recorded. Outages since the last row
   * count as well: they are told before their minute is.
   */
  online(to = now() / 1000) {
    const known = this.values("online").filter((value) => typeof value === "number");
    if (!known.length) return null;
    const since = this.time.at(-1) + this.step;
    const more = Math.max(0, to - since);
    const out = this.outages.reduce((sum, { from, to: end }) => sum + Math.max(0, (end ?? to) - Math.max(from, since)), 0);
    const [online, recorded] = [known.reduce((sum, value) => sum + value, 0) * (this.step / 60), known.length * this.step];
    // Where nothing was recorded for longer, the bridge was not there to see it.
    return more > 2 * this.step ? online / recorded : (online + Math.max(0, more - out)) / (recorded + more);
  }

  /** How many seconds the outages take of the span that ends now. */
  outage(seconds, to = now() / 1000) {
    return this.outages.reduce((sum, { from, to: end }) => sum + Math.max(0, (end ?? to) - Math.max(from, to - seconds)), 0);
  }

  /** Sums of columns by buckets of so many seconds: `time` is each bucket's beginning. */
  buckets(size, names) {
    const sums = new Map();
    this.time.forEach((time, n) => {
      const begin = Math.floor(time / size) * size;
      if (!sums.has(begin)) sums.set(begin, Object.fromEntries(names.map((name) => [name, null])));
      for (const name of names) {
        const value = this.values(name)[n];
        if (value !== null) sums.get(begin)[name] = (sums.get(begin)[name] ?? 0) + value;
      }
    });
    const times = [...sums.keys()];
    return { time: times, ...Object.fromEntries(names.map((name) => [name, times.map((time) => sums.get(time)[name])])) };
  }

  /** Rows for a table, the latest first: means of readings, the worst coverage level, sums of what went through. */
  rows(size) {
    const groups = new Map();
    this.time.forEach((time, n) => {
      const begin = Math.floor(time / size) * size;
      groups.set(begin, [...(groups.get(begin) ?? []), n]);
    });
    return [...groups].reverse().map(([time, places]) => {
      const known = (name) => places.map((n) => this.values(name)[n]).filter((value) => value !== null);
      const mean = (name) => (known(name).length ? known(name).reduce((sum, value) => sum + value, 0) / known(name).length : null);
      const sum = (name) => known(name).reduce((total, value) => total + value, 0);
      return {
        time,
        rsrp: mean("rsrp"), sinr: mean("sinr"), ecl: known("ecl").length ? Math.max(...known("ecl")) : null,
        online: mean("online") === null ? null : mean("online") / 60,
        sent: sum("sent"), received: sum("received"), failed: sum("failed"), up: sum("up"), down: sum("down"),
      };
    });
  }
}

/**
 * What becomes of a data budget at the pace of a history: bytes a `day`, and the `days` that what is left lasts.
 * Each byte counts `weight` times. Null while less than six hours are recorded; `days` is null without a budget, or where nothing is used.
 */
export function forecast(history, left, weight = 1) {
  const recorded = history.values("up").filter((value) => value !== null).length * history.step;
  if (recorded < 6 * 3600) return null;
  const day = ((history.sum("up") + history.sum("down")) / recorded) * 86400 * weight;
  return { day, recorded, days: typeof left === "number" && day > 0 ? left / day : null };
}
