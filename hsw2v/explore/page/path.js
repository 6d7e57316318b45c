// The path through the tree to a word, drawn from the root down.

import { chance, counted, drawn, make, percent, wordLink } from "./parts.js";

const ROW = 84;
const WIDTH = 80;
const MIDDLE = WIDTH / 2;

export function drawPath(answer, model, context) {
  const { decisions, word, length } = answer;
  const within = "probability" in answer;
  const rows = decisions.map((one, number) => decision(one, number, within));
  const list = make(
    "ol",
    { className: "path", "aria-label": `Decisions on the path to ${word}` },
    ...rows,
  );
  const more =
    length > decisions.length
      ? make(
          "p",
          { className: "note" },
          `The first ${decisions.length} of ${counted(length, "decision")} are drawn.`,
        )
      : "";
  return make(
    "figure",
    { className: "tree" },
    make("figcaption", {}, ...caption(answer, within, model, context)),
    make("div", { className: "ladder" }, picture(decisions), list),
    more,
    make("p", { className: "leaf" }, wordLink(word)),
  );
}

function caption({ length, share, probability }, within, model, context) {
  const decisions = counted(length, "decision");
  const usual = `${chance(share)}`;
  const of = model.counted ? "of the text" : "of the vocabulary";
  if (!within)
    return [
      `${decisions}. Bars show how much ${of} goes either way: the product along the path is the word's share, ${usual}.`,
    ];
  return [
    `${decisions}. Bars show the probability of either way in “${context}”, marks the share ${of}. Their product is ${chance(probability)}, against ${usual}.`,
  ];
}

function decision({ turn, sides }, number, within) {
  const parts = sides.map((side, one) => {
    const value = within ? side.probability : side.share;
    const words = side.examples ?? [side.word];
    const bar = make("span", {
      className: "odds",
      style: { "--share": value },
      "aria-hidden": "true",
    });
    if (within) bar.append(make("i", { style: { "--share": side.share } }));
    return make(
      "div",
      {
        className: `side ${one === turn ? "taken" : "other"}`,
        data: { side: one ? "right" : "left" },
      },
      make("span", { className: "hidden" }, one === turn ? "taken: " : "not taken: "),
      make(
        "span",
        { className: "words", title: words.join(" ") },
        make("bdi", {}, words.join(" ")),
      ),
      make(
        "span",
        { className: "size" },
        make("b", {}, percent(value)),
        " · ",
        side.words ? counted(side.words, "word") : "a leaf",
      ),
      bar,
    );
  });
  return make("li", { data: { number: number + 1 } }, ...parts);
}

function picture(decisions) {
  const height = ROW * decisions.length + 12;
  const svg = drawn("svg", {
    width: WIDTH,
    height,
    viewBox: `0 0 ${WIDTH} ${height}`,
    "aria-hidden": "true",
  });
  const nodes = [];
  decisions.forEach(({ turn, sides }, number) => {
    const y = ROW * number + ROW / 2 - 14;
    const below = number + 1 < decisions.length ? y + ROW : height;
    const way = turn ? 1 : -1;
    const bulge = MIDDLE + way * 36;
    const end = MIDDLE - way * 32;
    svg.append(
      drawn("path", {
        class: "stub",
        d: `M${MIDDLE} ${y}C${MIDDLE - way * 14} ${y} ${end} ${y + 4} ${end} ${y + 26}`,
      }),
      drawn("circle", {
        class: "rest",
        cx: end,
        cy: y + 28,
        r: 2 + Math.log10(sides[1 - turn].words ?? 1),
      }),
      drawn("path", {
        class: "way",
        d: `M${MIDDLE} ${y}C${bulge} ${y + 4} ${bulge} ${below - 8} ${MIDDLE} ${below}`,
      }),
    );
    nodes.push(drawn("circle", { class: "node", cx: MIDDLE, cy: y, r: 5 }));
  });
  svg.append(...nodes);
  return svg;
}
