// The best-first search through the tree: every node is as wide as it is probable, its children
// below it. The search opens the widest one that is not open, until the widest are words.

import { chance, counted, make } from "./parts.js";

const NARROWEST = 0.0004;
const NAMED = 0.035;
const THIN = 0.008;

export function drawSearch(answer, model, table) {
  const { steps, found } = answer.search;
  const cells = laidOut(steps, found);
  const last = steps.length;
  const state = { step: last, from: 0, wide: 1, timer: 0 };
  const depth = Math.max(0, ...cells.map((cell) => cell.depth)) + 1;
  const ice = make("div", {
    className: "ice",
    role: "group",
    "aria-label": "The part of the tree that was searched",
    style: { "--depth": depth },
  });
  const told = make("p", { className: "told", role: "status" });
  const slider = make("input", { type: "range", min: 0, max: last, value: last, id: "step" });
  const play = make("button", { type: "button", className: "play" }, "Play");
  const whole = make("button", { type: "button", className: "whole", hidden: true }, "Whole tree");

  for (const cell of cells) ice.append((cell.element = cellElement(cell)));

  function draw() {
    for (const cell of cells) {
      const { element } = cell;
      const left = (cell.left - state.from) / state.wide;
      const share = cell.wide / state.wide;
      element.hidden =
        cell.born > state.step || share < NARROWEST || left >= 1 || left + share <= 0;
      if (element.hidden) continue;
      const begin = Math.max(0, left);
      const shown = Math.min(1, left + share) - begin;
      element.style.setProperty("--left", begin);
      element.style.setProperty("--wide", shown);
      const kind = cell.word
        ? cell.met <= state.step
          ? "found"
          : "leaf"
        : cell.met <= state.step
          ? "open"
          : "closed";
      element.className = `cell ${kind}${shown < THIN ? " thin" : ""}${cell.met === state.step ? " now" : ""}`;
      element.firstChild.hidden = shown < NAMED;
    }
    callOut();
    slider.value = state.step;
    slider.setAttribute("aria-valuetext", describe(state.step));
    whole.hidden = state.wide === 1;
    if (!state.timer) told.textContent = describe(state.step);
  }

  /* The names of found words that are too narrow for theirs, below them where there is room. */
  function callOut() {
    for (const one of ice.querySelectorAll(".callout")) one.remove();
    const taken = [];
    const width = ice.clientWidth || 900;
    const narrow = cells.filter(
      ({ word, met, element }) =>
        word !== undefined && met <= state.step && !element.hidden && element.firstChild.hidden,
    );
    for (const cell of narrow.sort((a, b) => b.wide - a.wide)) {
      const half = (4 * Math.min(cell.word.length, 20) + 4) / width;
      const middle = Math.min(
        1 - half,
        Math.max(half, (cell.left + cell.wide / 2 - state.from) / state.wide),
      );
      const free = (level) =>
        !taken.some(
          (one) => one.level === level && Math.abs(one.middle - middle) < one.half + half,
        );
      const level = [cell.depth + 1, cell.depth + 2].find(free);
      if (!level) continue;
      taken.push({ level, middle, half });
      ice.append(
        make(
          "span",
          {
            className: "callout",
            "aria-hidden": "true",
            dir: "auto",
            style: { "--level": level, "--left": middle },
          },
          cell.word.slice(0, 20),
        ),
      );
    }
  }

  function describe(step) {
    if (!step) return "Nothing is open yet.";
    const one = steps[step - 1];
    const where = `Step ${step.toLocaleString("en")} of ${last.toLocaleString("en")}: `;
    if ("found" in one) {
      const { word, probability } = found[one.found];
      return `${where}found “${word}”, ${chance(probability)}: nothing that is left is more probable.`;
    }
    const cell = cells.find((some) => some.node === one.node);
    return `${where}opened ${nameOf(cell)}, ${chance(cell.wide)}.`;
  }

  function zoom(cell) {
    const into = cell && cell.wide < state.wide * 0.98 ? cell : null;
    Object.assign(state, { from: into?.left ?? 0, wide: into?.wide ?? 1 });
    draw();
  }

  function go(step) {
    state.step = Math.max(0, Math.min(last, step));
    draw();
  }

  function stop() {
    clearInterval(state.timer);
    state.timer = 0;
    play.textContent = "Play";
    draw();
  }

  play.addEventListener("click", () => {
    if (state.timer) return stop();
    if (state.step === last) state.step = 0;
    const stride = Math.max(1, Math.round(last / 150));
    play.textContent = "Pause";
    state.timer = setInterval(() => {
      if (!ice.isConnected || state.step >= last) stop();
      else go(state.step + stride);
    }, 80);
  });
  slider.addEventListener("input", () => {
    if (state.timer) stop();
    go(Number(slider.value));
  });
  whole.addEventListener("click", () => zoom(null));
  for (const cell of cells) {
    const tell = () => {
      told.textContent = tooltip(cell);
    };
    cell.element.addEventListener("pointerenter", tell);
    cell.element.addEventListener("focus", tell);
    cell.element.addEventListener("click", () => zoom(cell));
  }
  ice.addEventListener("pointerleave", draw);
  ice.addEventListener("keydown", (event) => walk(event, cells, () => zoom(null)));
  if (cells.length) cells[0].element.tabIndex = 0;
  highlight(table, cells);
  draw();
  requestAnimationFrame(callOut);

  return make(
    "figure",
    { className: "search" },
    make("figcaption", {}, ...caption(answer, model)),
    make(
      "div",
      { className: "controls" },
      play,
      make("label", { htmlFor: "step", className: "hidden" }, "Step of the search"),
      slider,
      whole,
    ),
    ice,
    told,
    listed(steps, found),
  );
}

function caption({ tree, search }, model) {
  const { visited, steps } = search;
  const opened = steps.filter((one) => "node" in one).length;
  const part = visited > opened ? ` The first ${opened.toLocaleString("en")} are drawn.` : "";
  const which =
    model.trees > 1
      ? `The search of tree ${tree} alone; the answers above are those of all ${model.trees}. `
      : "";
  return [
    `${which}Each node is as wide as it is probable, its two children below it. The search always opens the widest that is closed; a word that is wider than all of these is an answer. It opened ${visited.toLocaleString("en")} of ${(model.words - 1).toLocaleString("en")} nodes.${part} Click on a node to look closer.`,
  ];
}

/* A cell for the root and for each child of an opened node: where, how wide, since which step. */
function laidOut(steps, found) {
  if (!steps.length || !("node" in steps[0])) return [];
  const root = { node: steps[0].node, left: 0, wide: 1, depth: 0, born: 0, met: 1, examples: [] };
  const cells = [root];
  const closed = new Map([[root.node, root]]);
  const leaves = new Map();
  steps.forEach((step, number) => {
    if ("found" in step) {
      const leaf = leaves.get(found[step.found].word);
      if (leaf) leaf.met = number + 1;
      return;
    }
    const above = closed.get(step.node);
    above.met = number + 1;
    let left = above.left;
    above.below = step.children.map((child) => {
      const cell = {
        ...child,
        left,
        wide: child.probability,
        depth: above.depth + 1,
        born: number + 1,
        met: Infinity,
        above,
      };
      left += child.probability;
      if (child.word === undefined) closed.set(child.node, cell);
      else leaves.set(child.word, cell);
      cells.push(cell);
      return cell;
    });
    if (!above.examples.length)
      above.examples = step.children.flatMap((child) => child.examples ?? [child.word]).slice(0, 3);
  });
  return cells;
}

const nameOf = (cell) =>
  cell.word !== undefined
    ? `“${cell.word}”`
    : cell.depth
      ? `the node of ${cell.examples.slice(0, 3).join(", ")} …`
      : "the root";

const tooltip = (cell) =>
  cell.word !== undefined
    ? `${cell.word}: ${chance(cell.wide)}, after ${counted(cell.depth, "decision")}.`
    : `${cell.words ? counted(cell.words, "word") : "All words"} after ${counted(cell.depth, "decision")}, ${chance(cell.wide)} together: ${cell.examples.join(" ")} …`;

function cellElement(cell) {
  const text = cell.word ?? cell.examples.slice(0, 3).join(" ");
  const element = make(
    "button",
    { type: "button", tabIndex: -1, style: { "--level": cell.depth } },
    make("span", { dir: "auto" }, text),
  );
  element.setAttribute("aria-label", tooltip(cell));
  return element;
}

/* The arrow keys go through the tree, and Escape shows all of it. */
function walk(event, cells, whole) {
  const cell = cells.find(({ element }) => element === document.activeElement);
  if (event.key === "Escape") whole();
  if (!cell) return;
  const beside = cell.above?.below ?? [cell];
  const goals = {
    ArrowUp: cell.above,
    ArrowDown: cell.below?.reduce((a, b) => (b.wide > a.wide ? b : a)),
    ArrowLeft: beside[0],
    ArrowRight: beside.at(-1),
  };
  const goal = goals[event.key];
  if (!goal || goal.element.hidden) return;
  event.preventDefault();
  cell.element.tabIndex = -1;
  goal.element.tabIndex = 0;
  goal.element.focus();
}

/* A row of the table that is looked at shows its path. */
function highlight(table, cells) {
  const leaves = new Map(
    cells.filter((cell) => cell.word !== undefined).map((cell) => [cell.word, cell]),
  );
  const mark = (word, on) => {
    for (let cell = leaves.get(word); cell; cell = cell.above)
      cell.element.toggleAttribute("data-marked", on);
  };
  for (const row of table.querySelectorAll("tr[data-found]")) {
    const { found } = row.dataset;
    for (const [name, on] of [
      ["pointerenter", true],
      ["pointerleave", false],
      ["focusin", true],
      ["focusout", false],
    ])
      row.addEventListener(name, () => mark(found, on));
  }
}

function listed(steps, found) {
  const details = make(
    "details",
    { className: "steps" },
    make("summary", {}, "All steps as a list"),
  );
  details.addEventListener("toggle", () => {
    if (details.querySelector("ol")) return;
    const side = (child) =>
      `${chance(child.probability)} ${child.word ?? child.examples.slice(0, 3).join(" ") + " …"}`;
    const lines = steps.map((step) =>
      "found" in step
        ? make(
            "li",
            { className: "found" },
            "found ",
            make("b", { dir: "auto" }, found[step.found].word),
            ` ${chance(found[step.found].probability)}`,
          )
        : make(
            "li",
            {},
            "opened: ",
            make("bdi", {}, side(step.children[0])),
            " | ",
            make("bdi", {}, side(step.children[1])),
          ),
    );
    details.append(make("ol", {}, ...lines));
  });
  return details;
}
