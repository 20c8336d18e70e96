/** Words, numbers and times in the language of whoever looks. */

import { now } from "./now.js";

export const LANGUAGES = { en: "English", de: "Deutsch", "zh-Hans": "简体中文" };

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

const loaded = new Map();
let language = chosen() ?? preferred();
let locale = regional();
let formats = new Map();

/** The language of the page. */
export function current() {
  return language;
}

/** Change the language, for this browser, for good. Texts that are needed have to be asked for again. */
export function choose(code) {
  language = code;
  locale = regional();
  formats = new Map();
  try {
    localStorage.setItem("language", code);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
  document.documentElement.lang = code;
}

function chosen() {
  try {
    const code = localStorage.getItem("language");
    return code in LANGUAGES ? code : null;
  } catch {
    return null;
  }
}

/** The language as it is written where the reader is: somebody in London has a day of 24 hours. */
function regional() {
  const [short] = language.split("-");
  return navigator.languages?.find((tag) => tag.toLowerCase().split("-")[0] === short) ?? language;
}

function preferred() {
  for (const tag of navigator.languages ?? [navigator.language]) {
    const [code] = tag.toLowerCase().split("-");
    if (code === "zh") return "zh-Hans";
    if (code in LANGUAGES) return code;
  }
  return "en";
}

/** Have these parts of the texts, `lang/<language>/<part>.json`, at hand for `t`. */
export async function texts(...parts) {
  await Promise.all(parts.map(load));
}

async function load(part) {
  const name = `${language}/${part}`;
  if (loaded.has(name)) return;
  const response = await fetch(new URL(`lang/${name}.json`, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  loaded.set(name, await response.json());
}

/**
 * Return the text of a key, `part.group.name`, with each `{name}` in it replaced; numbers are written as the language does.
 * A text in several forms is chosen from by `count`. A key that nobody wrote is returned as it is.
 */
export function t(key, values = {}) {
  let text = find(key);
  if (typeof text === "object" && text !== null) {
    text = text[format(Intl.PluralRules, {}).select(values.count ?? 0)] ?? text.other;
  }
  if (typeof text !== "string") return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined || value === null) return whole;
    return typeof value === "number" ? number(value) : String(value);
  });
}

/** Whether there is a text of this key. */
export function has(key) {
  return find(key) !== undefined;
}

function find(key) {
  const [part, ...path] = key.split(".");
  return path.reduce((texts, name) => texts?.[name], loaded.get(`${language}/${part}`));
}

function format(kind, options) {
  const name = `${kind.name}${JSON.stringify(options)}`;
  if (!formats.has(name)) formats.set(name, new kind(locale, options));
  return formats.get(name);
}

/** A number as the language writes it. */
export function number(value, options = {}) {
  return format(Intl.NumberFormat, options).format(value).replace(/^-/, "\u2212");
}

/** A share of 1 in per cent. */
export function percent(share) {
  // What is nearly all is not all.
  if (share >= 0.995 && share < 1) return number(Math.floor(share * 1e4) / 1e4, { style: "percent", maximumFractionDigits: 2 });
  return number(share, { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 });
}

/** A number of bytes in the unit that suits it. */
export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : 1;
  return number(value, {
    style: "unit", unit: units[unit], unitDisplay: unit ? "short" : "long", maximumFractionDigits: digits,
  });
}

const SYMBOLS = { second: "s", minute: "min", hour: "h", day: "d" };

/** A span of seconds in its largest units, two unless told: `3 min 20 s`. */
export function duration(seconds, most = 2) {
  if (seconds < 10) return unit(Math.max(seconds, 0), "second", seconds < 1 ? 2 : 1);
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86400), "day"],
    [Math.floor(whole / 3600) % 24, "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole % 60, "second"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + most)
    .filter(([count]) => count > 0)
    .map(([count, name]) => unit(count, name, 0))
    .join(language === "zh-Hans" ? "" : " ");
}

function unit(value, name, digits) {
  if (language === "zh-Hans") return number(value, { style: "unit", unit: name, unitDisplay: "narrow", maximumFractionDigits: digits });
  return `${number(value, { maximumFractionDigits: digits })}\u00a0${SYMBOLS[name]}`;
}

/** A span of seconds in words, in its largest unit, as it stands after `since` or `for`: `2 hours`. */
export function span(seconds) {
  const [name, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  const count = Math.max(Math.floor(seconds / size), 0);
  if (language !== "de") return number(count, { style: "unit", unit: name, unitDisplay: "long" });
  // German has the dative here, and of all formats only relative times do: take one and leave its preposition out.
  return format(Intl.RelativeTimeFormat, {}).formatToParts(-count, name).slice(1).map((part) => part.value).join("");
}

/** A time relative to now: `2 minutes ago`; one that is yet to come by a clock that is slow is now. */
export function ago(time, at = now()) {
  const seconds = Math.min((new Date(time) - at) / 1000, 0);
  const [name, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return format(Intl.RelativeTimeFormat, { numeric: "auto" }).format(Math.trunc(seconds / size), name);
}

/** A date and time in full. */
export function dateTime(time) {
  return format(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(time));
}

/** A date or time in the parts that `options` of Intl.DateTimeFormat say. */
export function moment(time, options) {
  return format(Intl.DateTimeFormat, options).format(new Date(time));
}

/** A time of day, with the day only where that is another one than today. */
export function shortTime(time, at = new Date(now())) {
  const options = { hour: "2-digit", minute: "2-digit" };
  if (new Date(time).toDateString() !== at.toDateString()) Object.assign(options, { day: "numeric", month: "short" });
  return moment(time, options);
}

/** A time of day with its seconds, and with milliseconds if it is to be `exact`; the day only where that is another one than today. */
export function clock(time, { exact = false, at = new Date(now()) } = {}) {
  const date = new Date(time);
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  if (exact) options.fractionalSecondDigits = 3;
  if (date.toDateString() !== at.toDateString()) Object.assign(options, { day: "numeric", month: "short" });
  return format(Intl.DateTimeFormat, options).format(date);
}

document.documentElement.lang = language;
