/** Elements made by calls, and a container brought to what a view wants without losing focus or what was typed. */

const GIVEN = Symbol("given");
const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. A key of `attributes` is
 * - `onclick` and the like: a listener;
 * - `.name`: a property of the element, such as `.value` or `.rows`;
 * - `style`: an object of CSS properties, set by the CSSOM because the page allows no style attribute;
 * - `key`: what tells the element from its siblings from one drawing to the next;
 * - anything else: an attribute; true stands for an empty one, and null, undefined and false for none.
 * Children are nodes, texts, numbers or lists of these; null, undefined and false are left out. A text is only ever text.
 */
export function h(tag, attributes, ...children) {
  return made(document.createElement(tag), attributes, children);
}

/** Make an SVG element, as `h` does. */
export function svg(tag, attributes, ...children) {
  return made(document.createElementNS(SVG, tag), attributes, children);
}

function made(element, attributes, children) {
  element[GIVEN] = attributes ?? {};
  for (const [name, value] of Object.entries(element[GIVEN])) give(element, name, value);
  element.append(...nodes(children));
  return element;
}

function give(element, name, value) {
  if (name === "key") return;
  if (name.startsWith("on")) element[name] = value ?? null;
  else if (name.startsWith(".")) element[name.slice(1)] = value;
  else if (name === "style") {
    for (const [property, text] of Object.entries(value ?? {})) element.style.setProperty(property, text);
  } else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** Give a container these children. What is there already and alike is kept and changed in place. */
export function show(parent, ...children) {
  const wanted = nodes(children);
  const keyed = new Map();
  for (const child of parent.childNodes) if (keyOf(child) !== undefined) keyed.set(keyOf(child), child);
  const kept = new Set();
  let place = parent.firstChild;
  for (const node of wanted) {
    const old = keyOf(node) === undefined ? alike(place, node) : keyed.get(keyOf(node));
    if (!old || !same(old, node) || kept.has(old)) {
      parent.insertBefore(node, place);
      kept.add(node);
      continue;
    }
    kept.add(old);
    if (keyOf(old) === undefined) place = old;
    if (old === place) place = place.nextSibling;
    else move(parent, old, place);
    change(old, node);
  }
  for (const child of [...parent.childNodes]) if (!kept.has(child)) child.remove();
}

function alike(place, node) {
  for (let child = place; child; child = child.nextSibling) {
    if (keyOf(child) === undefined && same(child, node)) return child;
  }
  return null;
}

function move(parent, node, place) {
  if (parent.moveBefore) parent.moveBefore(node, place);
  else parent.insertBefore(node, place);
}

function keyOf(node) {
  return node[GIVEN]?.key;
}

function same(old, node) {
  return old.nodeName === node.nodeName && keyOf(old) === keyOf(node) && kind(old) === kind(node);
}

/** The first word of the class: what sort of thing an element is; the others say how it is. */
function kind(node) {
  return node.nodeType === Node.ELEMENT_NODE ? (node.getAttribute("class") ?? "").split(" ")[0] : "";
}

function change(old, node) {
  if (old === node) return;
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return;
  }
  const before = old[GIVEN] ?? {};
  const after = node[GIVEN] ?? {};
  for (const name of Object.keys(before)) {
    if (!(name in after) && !name.startsWith(".")) give(old, name, null);
  }
  for (const [name, value] of Object.entries(after)) if (before[name] !== value) give(old, name, value);
  old[GIVEN] = after;
  // A custom element looks after its own inside.
  if (!old.nodeName.includes("-")) show(old, ...node.childNodes);
}

/** A part of the page that draws itself: a subclass has `render()`, and `start()` if it listens to something. */
export class View extends HTMLElement {
  #frame = 0;
  #end = null;

  connectedCallback() {
    this.#end = new AbortController();
    this.start();
    this.draw();
  }

  disconnectedCallback() {
    this.#end.abort();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  /** Called when the view comes onto the page. */
  start() {}

  /** Return what the view shows: children as `h` takes them. */
  render() {
    return [];
  }

  /** Aborted when the view leaves the page; goes with a `fetch` or a listener. */
  get ended() {
    return this.#end.signal;
  }

  /** Call a listener until the view leaves the page; without one, redraw. */
  hear(target, type, listener = () => this.redraw()) {
    target.addEventListener(type, listener, { signal: this.ended });
  }

  /** Draw at the next frame: any number of changes until then cost one drawing. */
  redraw() {
    if (this.#frame || !this.isConnected) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.isConnected) this.draw();
    });
  }

  draw() {
    show(this, this.render());
  }
}
