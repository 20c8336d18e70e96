/** The bridge's HTTP API: paths relative to the page, JSON both ways, and every failure an `ApiError`. */

/** What the API said no with. `code` is for programs, `message` for people; status 0 is a bridge that can't be reached. */
export class ApiError extends Error {
  constructor(status, code, message, { retryAfter = null, document = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.document = document;
  }
}

/** Hears `logged_out` when the API no longer knows who is asking. */
export const access = new EventTarget();

/** Get a JSON document. */
export async function get(path, { signal } = {}) {
  return read(await call(path, { signal }));
}

/** Post a JSON document and return the answer's, null if there is none. */
export async function post(path, body = {}, { signal } = {}) {
  return read(await call(path, posted(body, signal)));
}

/** Get a file: the response itself, with its headers. */
export async function file(path, { signal } = {}) {
  return call(path, { signal });
}

/** Carry out a request of the contract; returns its response document, which may have the status `error`. */
export async function request(modem, verb, body = {}, options = {}) {
  return post(`${pathOf(modem)}/request/${encodeURIComponent(verb)}`, body, options);
}

/** Post, and call `heard` with each line of an answer that comes line by line. */
export async function stream(path, body, heard, { signal } = {}) {
  const response = await call(path, posted(body, signal));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) if (line.trim()) heard(JSON.parse(line));
    if (done) return;
  }
}

/** The path of a modem in the API. */
export function pathOf(modem) {
  return `api/modems/${encodeURIComponent(modem)}`;
}

function posted(body, signal) {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal };
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", error.message);
  }
  if (response.ok) return response;
  let document = null;
  try {
    document = await response.json();
  } catch {
    // A proxy in between answers with a page of its own.
  }
  const error = new ApiError(
    response.status,
    document?.code ?? "http",
    document?.message ?? `${response.status} ${response.statusText}`.trim(),
    { retryAfter: Number(response.headers.get("Retry-After")) || null, document },
  );
  if (error.status === 401 && error.code === "log_in") access.dispatchEvent(new Event("logged_out"));
  throw error;
}

async function read(response) {
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(response.status, "not_json", error.message);
  }
}
