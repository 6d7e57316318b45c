// The question of the address, and its answer.

import { panels } from "./panels.js";
import { ask, counted, make, quoted, toAddress } from "./parts.js";

const place = (id) => document.getElementById(id);
let model;
let known;

function asked() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const [first] = fields.keys();
  const name = Object.hasOwn(known, first ?? "") ? first : "similar";
  const panel = known[name];
  const more = [["k", "10"], ...fields].filter(([key]) => panel.more.includes(key));
  return { name, panel, text: fields.get(name) ?? "", more: Object.fromEntries(more) };
}

let latest = 0;

async function show() {
  const { name, panel, text, more } = asked();
  const mine = ++latest;
  const form = place("question");
  const before = form.contains(document.activeElement) ? document.activeElement.name : "";
  document.title = `${text ? text + " · " : ""}${name} · ${model.name || "hsw2v"}`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  place("about").textContent = panel.about;
  const why = panel.why?.() ?? "";
  form.hidden = Boolean(why);
  form.replaceChildren(
    ...(why
      ? []
      : [
          ...panel.fields(text, more).filter(Boolean),
          make("button", { type: "submit", className: "main" }, "Ask"),
        ]),
  );
  if (before) form.elements[before]?.focus({ preventScroll: true });
  const answer = place("answer");
  place("status").textContent = "";
  answer.removeAttribute("aria-busy");
  if (why) return answer.replaceChildren(make("p", { className: "note why" }, why));
  if (!text) {
    answer.replaceChildren(examples(name, panel));
    return form.querySelector("input").focus({ preventScroll: true });
  }
  answer.setAttribute("aria-busy", "true");
  let shown;
  try {
    const found = await panel.ask(text, more);
    shown = () => [composed(found), ...panel.show(found, more)];
  } catch (error) {
    if (!error.told) throw error;
    shown = () => [complaint(error.told, name, text, more)];
  }
  if (mine !== latest) return;
  answer.removeAttribute("aria-busy");
  answer.replaceChildren(...shown().filter(Boolean));
  place("status").textContent = `Answer to ${text}`;
}

function examples(name, panel) {
  const links = panel
    .examples()
    .map((text) =>
      make(
        "li",
        {},
        make("a", { href: toAddress(name, text), className: "word", dir: "auto" }, text),
      ),
    );
  return links.length
    ? make("div", { className: "examples" }, make("p", {}, "Such as"), make("ul", {}, ...links))
    : "";
}

const composed = ({ composed: words = [] }) =>
  words.length
    ? make(
        "p",
        { className: "note" },
        `Not in the vocabulary, composed of n-grams: ${words.join(", ")}.`,
      )
    : null;

function complaint({ error, hint, near = [] }, name, text, more) {
  const offers = near
    .filter(({ words }) => words.length)
    .map(({ word, words }) => {
      const links = words.map((one) =>
        make(
          "a",
          { href: corrected(name, text, more, word, one), className: "word", dir: "auto" },
          one,
        ),
      );
      return make(
        "p",
        { className: "offer" },
        make("span", {}, "Instead of ", make("b", { dir: "auto" }, word), ":"),
        ...links,
      );
    });
  const told = make("p", {}, error.charAt(0).toUpperCase() + error.slice(1) + ".");
  return make(
    "div",
    { className: "complaint", role: "alert" },
    told,
    ...(offers.length ? offers : [hint ? make("p", { className: "hint" }, hint) : ""]),
  );
}

/* The address of the same question with one word in place of another. */
function corrected(name, text, more, word, by) {
  const replaced = (some) => {
    const tokens = some
      .split(/(\s+)/u)
      .map((one) =>
        one === quoted(word) ? quoted(by) : one === "-" + quoted(word) ? "-" + quoted(by) : one,
      );
    return tokens.join("") === some ? some.replace(word, () => by) : tokens.join("");
  };
  const context = more.context ? { context: replaced(more.context) } : {};
  return toAddress(name, replaced(text), { ...more, ...context });
}

place("question").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, panel } = asked();
  const values = Object.fromEntries(new FormData(event.target));
  const more = Object.fromEntries(
    panel.more.filter((key) => values[key]?.trim()).map((key) => [key, values[key].trim()]),
  );
  const address = toAddress(name, panel.text(values).trim(), more);
  if (location.hash === address) show();
  else location.hash = address;
});
place("question").addEventListener("change", (event) => {
  if (event.target.tagName === "SELECT" && asked().text) event.currentTarget.requestSubmit();
});

try {
  model = await ask("model", {});
  known = panels(model);
  place("name").textContent = model.name || "hsw2v";
  place("facts").textContent =
    `${counted(model.words, "word")} · ${counted(model.dim, "dimension")}${model.trees > 1 ? ` · ${model.trees} trees` : ""}`;
  // Not before: until the model is known, there is no panel to show.
  window.addEventListener("hashchange", show);
  await show();
} catch (error) {
  if (!error.told) throw error;
  place("answer").replaceChildren(complaint(error.told, "similar", "", {}));
}
