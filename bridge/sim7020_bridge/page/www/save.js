/** A file from the bridge to the reader's disk. */

/** Save the body of a response under the name that it gives itself, else `name`. */
export async function save(response, name) {
  const given = /filename="([^"/\\]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = given ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
