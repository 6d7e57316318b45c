// Each panel: what it is about, its fields, its question, what it shows.

import {
  answerTable,
  ask,
  chance,
  cosine,
  make,
  quoted,
  typeahead,
  wordLink,
  wordsOf,
} from "./parts.js";
import { drawPath } from "./path.js";
import { drawSearch } from "./search.js";

const COUNTS = [5, 10, 20, 50, 100];

export const panels = (model) => ({
  similar: {
    about:
      "Which words are nearest? Several words ask for their mean; a minus before a word takes it away: king -man woman.",
    fields: (text, more) => [
      field("text", "Words", text, { several: "signed", wide: true }),
      countField(more.k),
    ],
    text: (values) => values.text,
    more: ["k"],
    ask(text, more) {
      const { words, minus } = wordsOf(text);
      const fields = [
        ...words.map((word) => ["word", word]),
        ...minus.map((word) => ["minus", word]),
        ["k", more.k],
      ];
      return ask("similar", fields);
    },
    show: (answer) => [answerTable("Nearest words", "cosine", similarities(answer.similar))],
    examples: () => someWords(model, 6).map((word) => quoted(word)),
  },
  analogy: {
    about: "A is to B as C is to which word?",
    fields(text, more) {
      const [a = "", b = "", c = ""] = wordsOf(text).words;
      return [
        field("a", "A", a, { hint: "man" }),
        field("b", "is to B", b, { hint: "king" }),
        field("c", "as C is to …", c, { hint: "woman" }),
        choice(
          "method",
          "Method",
          [
            ["cosadd", "add cosines"],
            ["cosmul", "multiply"],
          ],
          more.method,
        ),
        countField(more.k),
      ];
    },
    text: ({ a, b, c }) =>
      [a, b, c]
        .map((word) => quoted(word.trim()))
        .join(" ")
        .trim(),
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
    ask: (text) =>
      ask(
        "compare",
        wordsOf(text).words.map((word) => ["word", word]),
      ),
    show: heatMap,
    examples: () => [
      someWords(model, 6)
        .map((word) => quoted(word))
        .join(" "),
    ],
  },
  path: {
    about:
      "How does the tree come to a word? From the root down, each decision parts the words below it in two.",
    why: () => model.no_tree,
    fields: (text, more) => [
      field("text", "Word", firstOf(text)),
      ...(model.no_prediction
        ? []
        : [
            field("context", "In a context (if you like)", more.context ?? "", {
              several: "yes",
              wide: true,
              hint: "the capital of _ is",
            }),
          ]),
      treeField(model, more.tree),
    ],
    text: (values) => quoted(values.text.trim()),
    more: ["context", "tree"],
    ask: (text, more) => ask("path", { word: firstOf(text), ...more }),
    show: (answer, more) => [leftOut(answer), drawPath(answer, model, more.context)],
    examples: () => someWords(model, 6).map((word) => quoted(word)),
  },
  predict: {
    about: "Which word belongs in the gap? Write _ where it is to be.",
    why: () => model.no_prediction,
    fields: (text, more) => [
      field("text", "Text with a gap", text, {
        several: "yes",
        wide: true,
        hint: "the capital of _ is",
      }),
      treeField(model, more.tree),
      countField(more.k),
    ],
    text: (values) => values.text,
    more: ["k", "tree"],
    ask: (text, more) => ask("predict", { text, ...more }),
    show: (answer) => predictions(answer, model),
    examples() {
      const [a, b, c, d] = someWords(model, 4).map((word) => quoted(word));
      return [`${a} ${b} _ ${c ?? ""} ${d ?? ""}`.trim()];
    },
  },
});

function field(
  name,
  label,
  value,
  { several = "", wide = false, hint = "", complete = true } = {},
) {
  const input = make("input", {
    id: `field-${name}`,
    name,
    type: "text",
    value,
    maxLength: 1000,
    spellcheck: false,
    placeholder: hint,
    dir: "auto",
  });
  input.setAttribute("autocapitalize", "none");
  if (several) input.dataset.several = several;
  const list = complete ? typeahead(input) : null;
  return make(
    "div",
    { className: wide ? "field wide" : "field" },
    make("label", { htmlFor: input.id }, label),
    make("div", { className: "completed" }, input, list ?? ""),
  );
}

function choice(name, label, options, value) {
  const select = make("select", { id: `field-${name}`, name });
  for (const [one, shown] of options)
    select.append(
      make("option", { value: one, selected: String(one) === String(value) }, String(shown)),
    );
  return make("div", { className: "field" }, make("label", { htmlFor: select.id }, label), select);
}

function countField(k) {
  const counts = COUNTS.includes(Number(k)) ? COUNTS : [k, ...COUNTS];
  return choice(
    "k",
    "Answers",
    counts.map((one) => [one, one]),
    k,
  );
}

const treeField = (model, number) =>
  model.trees > 1
    ? choice(
        "tree",
        "Tree",
        Array.from({ length: model.trees }, (_, n) => [n + 1, `${n + 1} of ${model.trees}`]),
        number,
      )
    : null;

const firstOf = (text) => wordsOf(text).words[0] ?? text;

const similarities = (answers) =>
  answers.map(({ word, similarity }) => ({
    word,
    share: Math.max(0, Math.min(1, similarity)),
    number: cosine(similarity),
  }));

function heatMap({ words, similarities: table, odd_one_out: odd }) {
  const head = make(
    "tr",
    {},
    make("td"),
    ...words.map((word) => make("th", { scope: "col" }, wordLink(word))),
  );
  const rows = words.map((word, row) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, wordLink(word)),
      ...table[row].map((value, column) =>
        make(
          "td",
          {
            className: `${value < 0 ? "below" : "above"}${row === column ? " same" : ""}`,
            style: { "--value": Math.abs(value) },
            title: `${word} · ${words[column]}: ${cosine(value)}`,
          },
          row === column ? "1" : value.toFixed(2).replace("-", "−"),
        ),
      ),
    ),
  );
  const map = make(
    "table",
    { className: "heat" },
    make("caption", { className: "hidden" }, "Cosines of words"),
    make("thead", {}, head),
    make("tbody", {}, ...rows),
  );
  const told = odd ? make("p", { className: "note" }, "Odd one out: ", wordLink(odd)) : "";
  return [
    make(
      "div",
      { className: "scrolled", tabIndex: 0, role: "region", "aria-label": "Table of cosines" },
      map,
    ),
    told,
  ];
}

function predictions(answer, model) {
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
  const table = answerTable(
    "Most probable words",
    "probability",
    rows,
    single ? ["nodes opened"] : [],
  );
  return [leftOut(answer), table, answer.search ? drawSearch(answer, model, table) : ""];
}

function leftOut({ unknown = [], out_of_window: far = [] }) {
  const told = [];
  if (unknown.length) told.push(`Left out, not in the vocabulary: ${unknown.join(", ")}.`);
  if (far.length) told.push(`Left out, too far from the gap: ${far.join(", ")}.`);
  return told.length ? make("p", { className: "note" }, told.join(" ")) : "";
}

function someWords(model, count) {
  const long = model.frequent.filter((word) => word.length > 3);
  const words = long.length < count ? model.frequent : long;
  const step = Math.max(1, Math.floor(words.length / count));
  return words.filter((_, number) => number % step === 0).slice(-count);
}
