/** What differs between two texts, line by line. */

const CONTEXT = 2;
const LONGEST = 4e6;

/**
 * Lines of both texts in order, each with `kind` " ", "-" or "+" and its `line`; of unchanged lines only those next to
 * a change, and one of kind "…" for each stretch that is left out.
 */
export function lineDiff(before, after) {
  const old = before.split("\n");
  const fresh = after.split("\n");
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head++;
  let tail = 0;
  while (tail < old.length - head && tail < fresh.length - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++;
  const middle = compared(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail));
  if (middle.length === 0) return [];
  const same = (line) => ({ kind: " ", line });
  return shortened([...old.slice(0, head).map(same), ...middle, ...old.slice(old.length - tail).map(same)]);
}

function compared(old, fresh) {
  if (old.length * fresh.length > LONGEST) {
    return [...old.map((line) => ({ kind: "-", line })), ...fresh.map((line) => ({ kind: "+", line }))];
  }
  const width = fresh.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      common[i * width + j] =
        old[i] === fresh[j]
          ? common[(i + 1) * width + j + 1] + 1
          : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const lines = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      lines.push({ kind: " ", line: old[i++] });
      j++;
    } else if (j === fresh.length || (i < old.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      lines.push({ kind: "-", line: old[i++] });
    } else {
      lines.push({ kind: "+", line: fresh[j++] });
    }
  }
  return lines;
}

function shortened(lines) {
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ kind }) => kind !== " "));
  const kept = [];
  lines.forEach((line, at) => {
    if (near[at]) kept.push(line);
    else if (kept.at(-1)?.kind !== "…") kept.push({ kind: "…", line: "" });
  });
  return kept;
}
