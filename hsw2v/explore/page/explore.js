// The panels, and which of them the address asks for.

import { answerTable, ask, cosine, counted, chance, make, quoted, toAddress, typeahead, wordLink, wordsOf } from "./parts.js";
import { drawPath } from "./path.js";
import { drawSearch } from "./search.js";

const place = (id) => document.getElementById(id);
const COUNTS = [5, 10, 20, 50, 100];
let model;

function field(name, label, value, { several = "", wide = false, hint = "", complete = true } = {}) {
  const input = make("input", { id: `field-${name}`, name, type: "text", value, maxLength: 1000, spellcheck: false, placeholder: hint, dir: "auto" });
  input.setAttribute("autocapitalize", "none");
  if (several) input.dataset.several = several;
  const list = complete ? typeahead(input) : null;
  return make("div", { className: wide ? "field wide" : "field" }, make("label", { htmlFor: input.id }, label), make("div", { className: "completed" }, input, list ?? ""));
}

function choice(name, label, options, value) {
  const select = make("select", { id: `field-${name}`, name });
  for (const [one, shown] of options) select.append(make("option", { value: one, selected: String(one) === String(value) }, String(shown)));
  return make("div", { className: "field" }, make("label", { htmlFor: select.id }, label), select);
}

const countField = (k) => choice("k", "Answers", COUNTS.map((one) => [one, one]), k);

const treeField = (number) =>
  model.trees > 1
    ? choice("tree", "Tree", Array.from({ length: model.trees }, (_, n) => [n + 1, `${n + 1} of ${model.trees}`]), number)
    : null;

/* Each panel: what it is about, its fields, its question, what it shows. */

const PANELS = {
  similar: {
    about: "Which words are nearest? Several words ask for their mean; a minus before a word takes it away: king -man woman.",
    fields: (text, more) => [field("text", "Words", text, { several: "signed", wide: true }), countField(more.k)],
    text: (values) => values.text,
    more: ["k"],
    ask(text, more) {
      const { words, minus } = wordsOf(text);
      const fields = [...words.map((word) => ["word", word]), ...minus.map((word) => ["minus", word]), ["k", more.k]];
      return ask("similar", fields);
    },
    show: (answer) => [answerTable("Nearest words", "cosine", similarities(answer.similar))],
    examples: () => someWords(6).map((word) => quoted(word)),
  },
  analogy: {
    about: "A is to B as C is to which word?",
    fields(text, more) {
      const [a = "", b = "", c = ""] = wordsOf(text).words;
      return [
        field("a", "A", a, { hint: "man" }),
        field("b", "is to B", b, { hint: "king" }),
        field("c", "as C is to …", c, { hint: "woman" }),
        choice("method", "Method", [["cosadd", "add cosines"], ["cosmul", "multiply"]], more.method),
        countField(more.k),
      ];
    },
    text: ({ a, b, c }) => [a, b, c].map((word) => quoted(word.trim())).join(" ").trim(),
    more: ["k", "method"],
    ask(text, more) {
      const [a = "", b = "", c = ""] = wordsOf(text).words;
      return ask("analogy", { a, b, c, ...more });
    },
    show: (answer) => [answerTable("Answers", "score", similarities(answer.answers))],
    examples: () => [],
  },
  compare: {
    about: "How alike are some words? The cosine of each with each.",
    fields: (text) => [field("text", "Words", text, { several: "yes", wide: true })],
    text: (values) => values.text,
    more: [],
    ask: (text) => ask("compare", wordsOf(text).words.map((word) => ["word", word])),
    show: heatMap,
    examples: () => [someWords(6).map((word) => quoted(word)).join(" ")],
  },
  path: {
    about: "How does the tree come to a word? From the root down, each decision parts the words below it in two.",
    why: () => model.no_tree,
    fields: (text, more) => [
      field("text", "Word", firstOf(text)),
      ...(model.no_prediction ? [] : [field("context", "In a context (if you like)", more.context ?? "", { several: "yes", wide: true, hint: "the capital of _ is" })]),
      treeField(more.tree),
    ],
    text: (values) => quoted(values.text.trim()),
    more: ["context", "tree"],
    ask: (text, more) => ask("path", { word: firstOf(text), ...more }),
    show: (answer, more) => [leftOut(answer), drawPath(answer, model, more.context)],
    examples: () => someWords(6).map((word) => quoted(word)),
  },
  predict: {
    about: "Which word belongs in the gap? Write _ where it is to be.",
    why: () => model.no_prediction,
    fields: (text, more) => [field("text", "Text with a gap", text, { several: "yes", wide: true, hint: "the capital of _ is" }), treeField(more.tree), countField(more.k)],
    text: (values) => values.text,
    more: ["k", "tree"],
    ask: (text, more) => ask("predict", { text, ...more }),
    show: predictions,
    examples() {
      const [a, b, c, d] = someWords(4).map((word) => quoted(word));
      return [`${a} ${b} _ ${c ?? ""} ${d ?? ""}`.trim()];
    },
  },
};

const firstOf = (text) => wordsOf(text).words[0] ?? text;

const similarities = (answers) =>
  answers.map(({ word, similarity }) => ({ word, share: Math.max(0, Math.min(1, similarity)), number: cosine(similarity) }));

function heatMap({ words, similarities: table, odd_one_out: odd }) {
  const head = make("tr", {}, make("td"), ...words.map((word) => make("th", { scope: "col" }, wordLink(word))));
  const rows = words.map((word, row) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, wordLink(word)),
      ...table[row].map((value, column) =>
        make(
          "td",
          {
            className: `${value < 0 ? "below" : "above"}${Math.abs(value) > 0.55 ? " strong" : ""}${row === column ? " same" : ""}`,
            style: { "--value": Math.abs(value) },
            title: `${word} · ${words[column]}: ${cosine(value)}`,
          },
          row === column ? "1" : value.toFixed(2).replace("-", "−"),
        ),
      ),
    ),
  );
  const map = make("table", { className: "heat" }, make("caption", { className: "hidden" }, "Cosines of words"), make("thead", {}, head), make("tbody", {}, ...rows));
  const told = odd ? make("p", { className: "note" }, "Odd one out: ", wordLink(odd)) : "";
  return [make("div", { className: "scrolled", tabIndex: 0, role: "region", "aria-label": "Table of cosines" }, map), told];
}

function predictions(answer) {
  const most = answer.predictions[0]?.probability || 1;
  const steps = new Map((answer.search?.found ?? []).map(({ word, step }) => [word, step]));
  const single = answer.search && model.trees === 1;
  const rows = answer.predictions.map(({ word, probability }) => ({
    word,
    share: probability / most,
    number: chance(probability),
    cells: single ? [steps.get(word).toLocaleString("en")] : [],
    data: { found: word },
  }));
  const table = answerTable("Most probable words", "probability", rows, single ? ["nodes opened"] : []);
  return [leftOut(answer), table, answer.search ? drawSearch(answer, model, table) : ""];
}

function leftOut({ unknown = [], out_of_window: far = [] }) {
  const told = [];
  if (unknown.length) told.push(`Left out, not in the vocabulary: ${unknown.join(", ")}.`);
  if (far.length) told.push(`Left out, too far from the gap: ${far.join(", ")}.`);
  return told.length ? make("p", { className: "note" }, told.join(" ")) : "";
}

function someWords(count) {
  const long = model.frequent.filter((word) => word.length > 3);
  const words = long.length < count ? model.frequent : long;
  const step = Math.max(1, Math.floor(words.length / count));
  return words.filter((_, number) => number % step === 0).slice(-count);
}

/* The question of the address */

function asked() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const [name] = fields.keys();
  const panel = name in PANELS ? name : "similar";
  const text = name in PANELS ? fields.get(name) : "";
  const more = { k: "10" };
  for (const [key, value] of fields) if (PANELS[panel].more.includes(key)) more[key] = value;
  for (const key of Object.keys(more)) if (!PANELS[panel].more.includes(key)) delete more[key];
  return { name: panel, panel: PANELS[panel], text, more };
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
  form.replaceChildren(...(why ? [] : [...panel.fields(text, more).filter(Boolean), make("button", { type: "submit", className: "main" }, "Ask")]));
  if (before) form.elements[before]?.focus({ preventScroll: true });
  const answer = place("answer");
  place("status").textContent = "";
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
  const links = panel.examples().map((text) => make("li", {}, make("a", { href: toAddress(name, text), className: "word", dir: "auto" }, text)));
  return links.length ? make("div", { className: "examples" }, make("p", {}, "Such as"), make("ul", {}, ...links)) : "";
}

const composed = ({ composed: words = [] }) =>
  words.length ? make("p", { className: "note" }, `Not in the vocabulary, composed of n-grams: ${words.join(", ")}.`) : null;

function complaint({ error, hint, near = [] }, name, text, more) {
  const offers = near
    .filter(({ words }) => words.length)
    .map(({ word, words }) => {
      const links = words.map((one) => make("a", { href: corrected(name, text, more, word, one), className: "word", dir: "auto" }, one));
      return make("p", { className: "offer" }, make("span", {}, "Instead of ", make("b", { dir: "auto" }, word), ":"), ...links);
    });
  const told = make("p", {}, error.charAt(0).toUpperCase() + error.slice(1) + ".");
  return make("div", { className: "complaint", role: "alert" }, told, ...(offers.length ? offers : [hint ? make("p", { className: "hint" }, hint) : ""]));
}

/* The address of the same question with one word in place of another. */
function corrected(name, text, more, word, by) {
  const replaced = (some) => {
    const tokens = some.split(/(\s+)/u).map((one) => (one === quoted(word) ? quoted(by) : one === "-" + quoted(word) ? "-" + quoted(by) : one));
    return tokens.join("") === some ? some.replace(word, () => by) : tokens.join("");
  };
  const context = more.context ? { context: replaced(more.context) } : {};
  return toAddress(name, replaced(text), { ...more, ...context });
}

place("question").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, panel } = asked();
  const values = Object.fromEntries(new FormData(event.target));
  const more = Object.fromEntries(panel.more.filter((key) => values[key]?.trim()).map((key) => [key, values[key].trim()]));
  const address = toAddress(name, panel.text(values).trim(), more);
  if (location.hash === address) show();
  else location.hash = address;
});
place("question").addEventListener("change", (event) => {
  if (event.target.tagName === "SELECT" && asked().text) event.currentTarget.requestSubmit();
});

try {
  model = await ask("model", {});
  place("name").textContent = model.name || "hsw2v";
  place("facts").textContent = `${counted(model.words, "word")} · ${counted(model.dim, "dimension")}${model.trees > 1 ? ` · ${model.trees} trees` : ""}`;
  // Not before: until the model is known, there is no panel to show.
  window.addEventListener("hashchange", show);
  await show();
} catch (error) {
  if (!error.told) throw error;
  place("answer").replaceChildren(complaint(error.told, "similar", "", {}));
}
