/** The log-in: asks for the password, and says why it was not let in. */

import { post } from "./api.js";
import { View, h } from "./dom.js";
import { duration, t } from "./i18n.js";
import { failure } from "./parts.js";

class ViewLogin extends View {
  /** What the API said no with before. */
  refusal = null;
  /** Called once the password was right; if this is still there afterwards, the browser has not kept the session. */
  onentered = () => {};

  #busy = false;
  #wrong = null;
  #until = 0;

  start() {
    const timer = setInterval(() => this.#until && this.redraw(), 500);
    this.ended.addEventListener("abort", () => clearInterval(timer));
    requestAnimationFrame(() => this.querySelector("input")?.focus());
  }

  render() {
    if (this.refusal?.code === "no_password") return noPassword(this.refusal);
    const left = this.#left();
    return h(
      "form",
      { class: "card login", onsubmit: (event) => this.#enter(event) },
      h("h1", null, t("login.title")),
      h("p", { class: "quiet" }, t("login.words")),
      h("input", { type: "text", name: "username", autocomplete: "username", value: "sim7020-bridge", hidden: true }),
      h(
        "label",
        { class: "field" },
        h("span", null, t("login.password")),
        h("input", {
          type: "password", name: "password", autocomplete: "current-password", required: true,
          "aria-invalid": this.#wrong ? "true" : null, "aria-describedby": "login-error",
        }),
      ),
      h("p", { id: "login-error", role: "alert", class: "login-error" }, left ? t("login.too_many", { time: duration(left) }) : this.#wrong),
      h("button", { class: "button main wide", disabled: this.#busy || left > 0 }, this.#busy ? t("login.busy") : t("login.enter")),
      h("details", { class: "more small" }, h("summary", null, t("login.forgotten.title")), h("p", null, t("login.forgotten.words")), h("p", null, h("code", null, "sim7020-bridge password"))),
    );
  }

  #left() {
    const left = Math.ceil((this.#until - Date.now()) / 1000);
    if (left > 0) return left;
    this.#until = 0;
    return 0;
  }

  async #enter(event) {
    event.preventDefault();
    const { password } = event.target.elements;
    this.#busy = true;
    this.#wrong = null;
    this.redraw();
    try {
      await post("api/login", { password: password.value });
      await this.onentered();
      if (!this.isConnected) return;
      this.#wrong = t("login.forgets");
    } catch (error) {
      if (error.code === "wrong_password") this.#wrong = t("login.wrong");
      else if (error.code === "too_many_tries") this.#until = Date.now() + (error.retryAfter ?? 30) * 1000;
      else this.#wrong = failure(error);
    }
    this.#busy = false;
    this.draw();
    password.select();
    password.focus();
  }
}

function noPassword(refusal) {
  return h(
    "div",
    { class: "card login" },
    h("h1", null, t("login.none.title")),
    h("p", null, t("login.none.words")),
    h("pre", { class: "words" }, "sim7020-bridge password"),
    h("p", null, t("login.none.then")),
    h("p", { class: "quiet small", lang: "en" }, refusal.message),
    h("button", { class: "button", onclick: () => location.reload() }, t("shell.retry")),
  );
}

customElements.define("view-login", ViewLogin);
