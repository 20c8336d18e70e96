/** The secrets that the configuration keeps in files of their own: each can be replaced, and none is ever shown. */

import { post } from "./api.js";
import { h, View } from "./dom.js";
import { t } from "./i18n.js";
import { failure, field, toast } from "./parts.js";

/** Bytes that the file of a secret may have. */
const LONGEST = 4096;

class SecretForms extends View {
  #files = [];
  #busy = false;
  /** What was wrong, by key. */
  #problems = {};

  /** Pairs of `key` and `file`, as `api/configuration` has them. */
  set files(files) {
    this.#files = files;
    this.redraw();
  }

  render() {
    if (this.#files.length === 0) return null;
    return h("section", { class: "card secrets", "aria-labelledby": "secrets" },
      h("h2", { id: "secrets" }, t("configuration.secret.title")),
      h("p", { class: "quiet" }, t("configuration.secret.words")),
      this.#files.map((each) => this.#form(each)));
  }

  #form({ key, file }) {
    const parts = key.split(".");
    const name = parts.at(-1).replace(/_file$/, "");
    const problem = this.#problems[key];
    const attributes = {
      type: "password", name: "secret", autocomplete: "new-password", required: true, maxlength: LONGEST,
      "aria-invalid": problem ? "true" : null, ...(name === "pin" ? { inputmode: "numeric" } : {}),
    };
    return h("form", { key, class: "secret-form", onsubmit: (event) => this.#replace(event, key) },
      field(t(`configuration.secret.${name}`, { modem: parts[1] }), attributes, t("configuration.secret.file", { file, key })),
      problem ? h("p", { class: "trouble", role: "alert" }, problem) : null,
      h("button", { class: "button", disabled: this.#busy }, t("configuration.secret.replace")));
  }

  async #replace(event, key) {
    event.preventDefault();
    const form = event.target;
    this.#busy = true;
    this.#problems = {};
    this.redraw();
    try {
      const { restart } = await post("api/configuration/secret", { key, secret: form.elements.secret.value });
      form.reset();
      toast(t(restart.length ? "configuration.secret.kept_restart" : "configuration.secret.kept"), restart.length ? "warn" : "good");
    } catch (error) {
      if (error.code === "not_in_force") form.reset();
      this.#problems = { [key]: said(error) };
    }
    this.#busy = false;
    this.redraw();
  }
}

function said(error) {
  const mistakes = (error.document?.mistakes ?? []).map(({ key, message }) => h("p", { lang: "en" }, `${key}: ${message}`));
  return [error.code === "not_in_force" ? t("configuration.not_in_force") : failure(error), mistakes];
}

customElements.define("secret-forms", SecretForms);
