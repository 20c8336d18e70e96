/** Payload in the browser: bytes, hexadecimal digits and text into each other, and what it costs to send them. */

const IP_UDP = 28;
const IP_TCP = 40;
/** Head, token, a path of one letter and a mark; and the acknowledgement, with its token and headers. */
const COAP = 9 + 6 + IP_UDP;
const SEGMENT = 512;
/** Characters of a payload laid out as JSON: brackets within brackets would make a thousand times what they are. */
const LONGEST_JSON = 65536;
/** Control characters, and what turns the direction of writing or takes no room; but not what joins letters. */
const HIDING = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** Bytes of hexadecimal digits, blanks between bytes allowed; null if they are none. */
export function bytesOfHex(text) {
  const digits = text.trim().split(/\s+/).filter(Boolean);
  if (!digits.every((group) => group.length % 2 === 0 && /^[0-9a-f]*$/i.test(group))) return null;
  return Uint8Array.from(digits.join("").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Lower-case hexadecimal digits of bytes. */
export function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of a text, as UTF-8. */
export function bytesOfText(text) {
  return new TextEncoder().encode(text);
}

/** Bytes that the network counts for a payload on a connection that is open, as docs/delivery.md says. */
export function cost(protocol, bytes) {
  if (protocol === "tcp") return bytes + Math.max(1, Math.ceil(bytes / SEGMENT)) * 2 * IP_TCP;
  return bytes + IP_UDP + (protocol === "coap" ? COAP : 0);
}

/** A JSON object or array with a line for each member; null for all else, and where that is too long. Numbers keep their digits. */
export function prettyJson(text) {
  if (!/^\s*[[{]/.test(text ?? "")) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let indent = "\n";
  let laid = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{]\s*[\]}]|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    if (token === "{" || token === "[") laid += token + (indent += "  ");
    else if (token === "}" || token === "]") laid += (indent = indent.slice(0, -2)) + token;
    else if (token === ",") laid += token + indent;
    else if (token === ":") laid += ": ";
    else laid += token.startsWith("{") || token.startsWith("[") ? token.replace(/\s/g, "") : token;
    if (laid.length > LONGEST_JSON) return null;
  }
  return laid;
}

/** Sixteen bytes a line: where they begin, their digits, and what of them is printable. */
export function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.slice(at, at + 16);
    const digits = Array.from(row, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const printable = Array.from(row, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${digits.padEnd(47)}  ${printable}`);
  }
  return lines.join("\n");
}

/** A text on one line, with a sign for each character that would move or hide others. */
export function oneLine(text, length = Infinity) {
  let line = "";
  let count = 0;
  for (const character of text) {
    if (++count > length) return `${line}…`;
    line += visible(character);
  }
  return line;
}

/** Words as a sentence begins. */
export function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A text as it is, line feeds and tabs included, with a sign for each other character that would move or hide others. */
export function visibleText(text) {
  return Array.from(text, (character) => (character === "\n" || character === "\t" ? character : visible(character))).join("");
}

function visible(character) {
  if (character === "\n") return "↵";
  if (character === "\t") return " ";
  return HIDING.test(character) ? "\ufffd" : character;
}
