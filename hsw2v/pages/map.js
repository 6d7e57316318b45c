"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const json = (id) => JSON.parse($(id).textContent);
  const TYPES = { uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array, float64: Float64Array };
  const unpacked = (one) => one && new TYPES[one.type](
    Uint8Array.from(atob(one.data), (letter) => letter.charCodeAt(0)).buffer);

  const map = json("map");
  const words = map.words, total = words.length;
  const [x, y, counts, neighbours, similarities] =
    [map.x, map.y, map.counts, map.neighbours, map.similarities].map(unpacked);
  const k = neighbours.length / total;
  const levels = map.branches.map(unpacked);
  const number = new Intl.NumberFormat("en");
  const index = new Map(words.map((word, row) => [word, row]));
  const lower = words.map((word) => word.toLowerCase());

  // How frequent a word is: from 0 to 1, by the logarithm; or by its place in the list.
  const logs = Float64Array.from(words, (_, row) => counts ? Math.log(Math.max(1, counts[row])) : -Math.log(row + 1));
  const [least, most] = logs.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);
  const weight = logs.map((one) => (one - least) / (most - least || 1));
  const times = counts && counts.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, 0]);

  await Bokeh.embed.embed_item(json("figure"), "plot");
  const made = Bokeh.documents[0];
  const [plot, points, lines, marks, labels] =
    ["plot", "points", "lines", "marks", "labels"].map((name) => made.get_model_by_name(name));
  const element = $("plot");

  const state = { home: null, selected: -1, level: 0, branch: -1, grown: 1, colours: {} };

  // Colours: a branch within another has a shade of its colour.
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const mixed = (one, other, share) => {
    const [a, b] = [channels(one), channels(other)];
    const hex = (value) => Math.round(value).toString(16).padStart(2, "0");
    return "#" + a.map((value, at) => hex(value + (b[at] - value) * share)).join("");
  };

  function branchColours(level) {
    const base = [1, 2, 3, 4, 5, 6, 7, 8].map((one) => css(`--${one}`));
    const parents = new Map();
    for (let row = 0; row < total; row++) parents.set(levels[level][row], levels[0][row]);
    const found = [], order = {}, sizes = {};
    for (const parent of parents.values()) sizes[parent] = (sizes[parent] || 0) + 1;
    for (const branch of [...parents.keys()].sort((a, b) => a - b)) {
      const parent = parents.get(branch);
      const place = order[parent] = (order[parent] ?? -1) + 1;
      const share = sizes[parent] > 1 ? 0.5 - place / (sizes[parent] - 1) : 0;
      const colour = base[parent % 8];
      found[branch] = share > 0 ? mixed(colour, css("--paper"), 0.8 * share) : mixed(colour, css("--text"), -0.8 * share);
    }
    return found;
  }

  // Points grow a little where the view is near.
  const pointSizes = () => Float32Array.from(weight, (one) => state.grown * (2.6 + 6 * one * one));
  function grow(zoomed) {
    const grown = Math.min(2.5, Math.max(0.8, zoomed ** 0.3));
    if (Math.abs(grown / state.grown - 1) < 0.1) return;
    state.grown = grown;
    points.data = { ...points.data, size: pointSizes() };
  }

  function paint() {
    for (const name of ["text", "muted", "line", "mark", "paper", "1"]) state.colours[name] = css(`--${name}`);
    plot.setv({ background_fill_color: state.colours.paper, border_fill_color: state.colours.paper });
    state.branchColours = levels.map((_, level) => branchColours(level));
    const by = state.branchColours[state.level], of = levels[state.level];
    const faint = mixed(state.colours.line, state.colours.paper, 0.2);
    const colour = (row) => by ? by[of[row]] : mixed(state.colours.line, state.colours[1], 0.2 + 0.8 * Math.sqrt(weight[row]));
    const color = words.map((_, row) => state.branch >= 0 && of[row] !== state.branch ? faint : colour(row));
    points.data = { x, y, size: pointSizes(), color };
    $("legend").hidden = Boolean(by) || !counts;
    if (times) [$("rare").textContent, $("frequent").textContent] = times.map((one) => number.format(one));
    mark();
    write();
  }

  // The view: its middle, and how much of the plane a pixel is.
  const size = () => [element.clientWidth, element.clientHeight];
  function look(middleX, middleY, scale) {
    const [width, height] = size();
    plot.x_range.setv({ start: middleX - width * scale / 2, end: middleX + width * scale / 2 });
    plot.y_range.setv({ start: middleY - height * scale / 2, end: middleY + height * scale / 2 });
  }
  function seen() {
    const { start: left, end: right } = plot.x_range, { start: low, end: high } = plot.y_range;
    return { x: (left + right) / 2, y: (low + high) / 2, scale: (right - left) / size()[0], left, right, low, high };
  }
  function fit(rows) {
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const row of rows) {
      left = Math.min(left, x[row]); right = Math.max(right, x[row]);
      low = Math.min(low, y[row]); high = Math.max(high, y[row]);
    }
    // Beside the panel, where it leaves room for the map.
    const [width, height] = size(), panel = $("panel"), beside = innerWidth > 640 ? panel.offsetWidth : 0;
    const scale = Math.max((right - left) / (0.92 * (width - beside)), (high - low) / (0.9 * height)) || 1;
    look((left + right + beside * scale) / 2, (low + high) / 2, scale);
  }
  const everything = () => fit(words.keys());
  function zoom(factor) { const now = seen(); look(now.x, now.y, now.scale * factor); }
  function move(across, up) {
    const now = seen(), step = 0.15 * Math.min(...size()) * now.scale;
    look(now.x + across * step, now.y + up * step, now.scale);
  }

  // Labels: names of branches, then words as there is room, the selected one and its neighbours first.
  const ruler = document.createElement("canvas").getContext("2d");
  function candidates(zoomed) {
    const found = [], chosen = state.selected;
    const word = (row, px, weight, colour, up = 3) =>
      found.push({ x: x[row], y: y[row], text: words[row], px, weight, colour, up });
    if (chosen >= 0) {
      word(chosen, 17, "bold", state.colours.mark, 9);
      for (const row of near(chosen)) word(row, 13, "bold", state.colours.text, 6);
    }
    const level = Math.floor(Math.log2(Math.max(1, zoomed)) / 1.5);
    if (level < levels.length)
      map.names[level].forEach((text, branch) => {
        const [middleX, middleY] = map.places[level][branch];
        const colour = mixed(state.branchColours[level][branch], state.colours.text, 0.5);
        found.push({ x: middleX, y: middleY, text: text.split(" ").slice(0, 2).join(" "), px: 16, weight: "bold", colour, up: -8 });
      });
    const now = seen();
    for (let row = 0; row < total && found.length < 2500; row++)
      if (x[row] > now.left && x[row] < now.right && y[row] > now.low && y[row] < now.high)
        if (state.branch < 0 || levels[state.level][row] === state.branch)
          word(row, 11 + Math.round(2 * weight[row]), "normal", state.colours.text);
    return found;
  }

  function write() {
    if (!state.home) return;
    const now = seen(), [width, height] = size(), placed = [];
    grow(state.home / now.scale);
    const most = Math.max(24, width * height / 8500);
    for (const one of candidates(state.home / now.scale)) {
      if (placed.length >= most) break;
      ruler.font = `${one.weight} ${one.px}px system-ui, sans-serif`;
      const half = ruler.measureText(one.text).width / 2 + 4;
      const across = (one.x - now.left) / now.scale, down = (now.high - one.y) / now.scale;
      const box = [across - half, down - one.up - one.px - 2, across + half, down - one.up + 3];
      if (box[0] < 0 || box[2] > width || box[1] < 0 || box[3] > height) continue;
      if (placed.some(({ box: other }) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      placed.push({ ...one, box });
    }
    const column = (of) => placed.map(of);
    labels.data = {
      x: column((one) => one.x), y: column((one) => one.y), text: column((one) => one.text),
      font: column((one) => `${one.px}px`), weight: column((one) => one.weight),
      color: column((one) => one.colour), up: column((one) => -one.up), halo: column(() => state.colours.paper),
    };
  }

  const near = (row) => neighbours.subarray(row * k, (row + 1) * k);
  function mark() {
    const row = state.selected, rows = row < 0 ? [] : [...near(row)];
    const all = row < 0 ? [] : [row, ...rows];
    lines.data = {
      x0: rows.map(() => x[row]), y0: rows.map(() => y[row]), x1: rows.map((one) => x[one]), y1: rows.map((one) => y[one]),
      color: rows.map(() => state.colours.mark),
    };
    marks.data = {
      x: all.map((one) => x[one]), y: all.map((one) => y[one]),
      size: all.map((one) => one === row ? 16 : 10), color: all.map(() => state.colours.mark),
    };
  }

  // What the panel and the tip say.
  const facts = (row) => (counts ? `${number.format(counts[row])} times, ` : "") + `word ${number.format(row + 1)} of ${number.format(total)}`;
  function text_in(tag, text, names = "") {
    const found = document.createElement(tag);
    found.textContent = text;
    found.className = names;
    return found;
  }
  function wordButton(row) {
    const button = text_in("button", words[row], "link word");
    button.type = "button";
    button.dir = "auto";
    button.addEventListener("click", () => select(row, true));
    return button;
  }

  function show(row) {
    $("panel").hidden = row < 0;
    if (row < 0) return;
    $("word").textContent = words[row];
    $("facts").textContent = facts(row);
    $("path").replaceChildren(...levels.map((of, level) => {
      const branch = of[row], button = text_in("button", "", "link");
      const dot = document.createElement("i");
      dot.style.background = state.branchColours[level][branch];
      button.type = "button";
      button.title = "Show this branch alone";
      button.append(dot, map.names[level][branch]);
      button.addEventListener("click", () => showBranch(level, branch));
      return button;
    }));
    $("neighbours").replaceChildren(...[...near(row)].map((one, place) => {
      const similarity = similarities[row * k + place], item = document.createElement("li");
      const bar = text_in("span", "", "bar"), fill = document.createElement("i");
      fill.style.width = `${Math.max(0, 100 * similarity)}%`;
      bar.append(fill);
      item.append(wordButton(one), bar, text_in("span", similarity.toFixed(3), "number muted"));
      return item;
    }));
  }

  function select(row, go) {
    state.selected = row;
    show(row);
    $("told").textContent = row < 0 ? "" : `${words[row]}: ${facts(row)}. Nearest: ${[...near(row)].slice(0, 5).map((one) => words[one]).join(", ")}.`;
    mark();
    if (row >= 0 && go) {
      // So near that most of its neighbours are in sight.
      const away = [...near(row)].map((one) => Math.hypot(x[one] - x[row], y[one] - y[row])).sort((a, b) => a - b);
      const wanted = 3 * away[Math.floor(0.6 * away.length)] / Math.min(...size());
      const scale = Math.min(Math.max(wanted, state.home / 30), state.home / 5);
      const covered = innerWidth <= 640 ? $("panel").offsetHeight : 0;
      look(x[row], y[row] - scale * covered / 2, scale);
    }
    write();
    // Where the page is within another, as in notebooks, it may have no address to change.
    try {
      history.replaceState(null, "", row < 0 ? location.pathname + location.search : `#${encodeURIComponent(words[row])}`);
    } catch { }
  }

  function showBranch(level, branch) {
    const same = state.level === level && state.branch === branch;
    state.level = level;
    state.branch = same ? -1 : branch;
    $("colour").value = String(level);
    paint();
    if (!same) fit([...words.keys()].filter((row) => levels[level][row] === branch));
  }

  function nearest(across, down, within) {
    const now = seen(), atX = now.left + across * now.scale, atY = now.high - down * now.scale;
    let found = -1, least = (within * now.scale) ** 2;
    for (let row = 0; row < total; row++) {
      const distance = (x[row] - atX) ** 2 + (y[row] - atY) ** 2;
      if (distance < least) [found, least] = [row, distance];
    }
    return found;
  }

  function tell(row, across, down) {
    const tip = $("tip");
    tip.hidden = row < 0;
    element.style.cursor = row < 0 ? "" : "pointer";
    if (row < 0) return;
    const title = text_in("b", words[row], "word");
    title.dir = "auto";
    const lines = [title, text_in("div", facts(row), "muted")];
    if (levels.length) lines.push(text_in("div", levels.map((of, level) => map.names[level][of[row]]).at(-1), "muted"));
    lines.push(text_in("div", [...near(row)].slice(0, 5).map((one) => words[one]).join(" · "), "word"));
    tip.replaceChildren(...lines);
    const [width, height] = size();
    tip.style.left = `${Math.min(across + 14, width - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(down + 14, height - tip.offsetHeight - 8)}px`;
  }

  // Searching.
  const query = $("query");
  function offers(text) {
    const wanted = text.toLowerCase(), begins = [], within = [];
    for (let row = 0; row < total && begins.length < 12; row++)
      if (lower[row].startsWith(wanted)) begins.push(row);
      else if (within.length < 12 && lower[row].includes(wanted)) within.push(row);
    return [...begins, ...within].slice(0, 12);
  }
  query.addEventListener("input", () => {
    const text = query.value;
    $("matches").replaceChildren(...(text ? offers(text) : []).map((row) => Object.assign(document.createElement("option"), { value: words[row] })));
    $("said").textContent = "";
  });
  function search() {
    const text = query.value, row = index.get(text) ?? index.get(text.trim()) ?? lower.indexOf(text.trim().toLowerCase());
    const [instead] = row < 0 && text.trim() ? offers(text.trim()) : [];
    $("said").textContent = row >= 0 || !text.trim() ? "" : instead === undefined
      ? `“${text}” is not on this map.` : `“${text}” is not on this map; this is “${words[instead]}”.`;
    const found = row >= 0 ? row : instead ?? -1;
    if (found >= 0) select(found, true);
  }
  $("search").addEventListener("submit", (event) => { event.preventDefault(); search(); });
  // Not by the form: pages within others may be forbidden to submit any.
  $("go").addEventListener("click", search);

  $("colour").append(...[
    ...levels.map((_, level) => [level, `${map.names[level].length} branches`]),
    [levels.length, counts ? "frequency" : "rank"],
  ].map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })));
  $("colour").addEventListener("change", (event) => {
    state.level = Number(event.target.value);
    state.branch = -1;
    paint();
    show(state.selected);
  });

  const clear = () => { state.branch = -1; select(-1, false); paint(); };
  $("close").addEventListener("click", clear);
  $("closer").addEventListener("click", () => zoom(1 / 1.5));
  $("farther").addEventListener("click", () => zoom(1.5));
  $("all").addEventListener("click", everything);
  const KEYS = {
    ArrowLeft: () => move(-1, 0), ArrowRight: () => move(1, 0), ArrowUp: () => move(0, 1), ArrowDown: () => move(0, -1),
    "+": () => zoom(1 / 1.5), "=": () => zoom(1 / 1.5), "-": () => zoom(1.5), 0: everything,
  };
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target !== query) clear();
    if (event.key === "/" && event.target !== query) { event.preventDefault(); query.focus(); }
  });
  element.addEventListener("pointermove", (event) => {
    const box = element.getBoundingClientRect(), mouse = event.pointerType !== "touch" && !event.buttons;
    const row = mouse ? nearest(event.clientX - box.left, event.clientY - box.top, 8) : -1;
    tell(row, event.clientX, event.clientY);
  });
  element.addEventListener("pointerleave", () => tell(-1));
  plot.on_event("tap", (event) => {
    const row = nearest(event.sx, event.sy, 12);
    if (row >= 0) select(row, false);
  });

  let waiting = 0;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(write, 90); };
  for (const range of [plot.x_range, plot.y_range])
    for (const name of ["start", "end"]) range.properties[name].change.connect(later);
  let width = size()[0];
  new ResizeObserver(() => {
    const now = seen(), scale = now.scale * size()[0] / width;
    width = size()[0];
    if (state.home) look(now.x, now.y, scale);
  }).observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);

  everything();
  state.home = seen().scale;
  paint();
  function follow() {
    let word = location.hash.slice(1);
    // A word as it stands, such as 50%, is no escape.
    try { word = decodeURIComponent(word); } catch { }
    const asked = index.get(word);
    if (asked !== undefined && asked !== state.selected) select(asked, true);
  }
  addEventListener("hashchange", follow);
  follow();
  document.body.dataset.ready = "true";
})();
