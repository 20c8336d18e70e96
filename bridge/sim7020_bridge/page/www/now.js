/** What time it is where the bridge is: its times and the browser's clock may be days apart. */

let ahead = 0;

/** Milliseconds since 1970 by the bridge's clock. */
export function now() {
  return Date.now() + ahead;
}

/** How many seconds the two clocks are apart, whichever is ahead. */
export function apart() {
  return Math.abs(ahead) / 1000;
}

/** Take the time that the bridge says it is. */
export function itIs(time) {
  const said = new Date(time).getTime();
  if (Number.isFinite(said)) ahead = said - Date.now();
}
