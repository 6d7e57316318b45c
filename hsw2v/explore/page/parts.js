// Small parts that all panels are made of. Words of a model are text, never markup.

export function make(tag, properties = {}, ...children) {
  const { style = {}, data = {}, ...attributes } = properties;
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in element && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  Object.assign(element.dataset, data);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

export function drawn(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export const counted = (number, one, many = one + "s") =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

export const cosine = (value) => value.toFixed(3).replace("-", "−");

export function chance(p) {
  if (p === 0 || p >= 0.001) return p.toPrecision(p < 0.1 ? 2 : 3);
  const [digits, power] = p.toExponential(1).split("e-");
  return `${digits}·10⁻${[...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
}

export const percent = (p) =>
  `${p > 0 && p < 0.001 ? "< 0.1" : p < 1 && p > 0.999 ? "> 99.9" : (100 * p).toFixed(p > 0.1 ? 0 : 1)} %`;

/* Questions in the address: #similar=king+queen&k=5 */

export const toAddress = (panel, text, more = {}) =>
  "#" + new URLSearchParams({ [panel]: text, ...more });

export const wordLink = (word, panel = "similar") =>
  make("a", { href: toAddress(panel, quoted(word)), className: "word", dir: "auto" }, word);

/* Several words in one field: apart by white space; one in double quotes may hold anything. */

const TOKEN = /-?"(?:[^"\\]|\\.)*"|\S+/gu;

export function wordsOf(text) {
  const words = [];
  const minus = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const turned = token.length > 1 && token.startsWith("-");
    (turned ? minus : words).push(unquoted(turned ? token.slice(1) : token));
  }
  return { words, minus };
}

export const quoted = (word) => (/^-|\s|^"/u.test(word) ? JSON.stringify(word) : word);

function unquoted(token) {
  try {
    return token.startsWith('"') ? JSON.parse(token) : token;
  } catch {
    return token;
  }
}

/* Asking */

export async function ask(name, fields, signal) {
  const query = new URLSearchParams(fields);
  let answer;
  try {
    const response = await fetch(`ask/${name}?${query}`, { signal });
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    answer = { error: "no answer: hsw2v explore has ended", hint: "start it again" };
  }
  if (answer.error) throw Object.assign(new Error(answer.error), { told: answer });
  return answer;
}

export const bar = (share, kind = "") =>
  make("span", { className: `bar ${kind}`, "aria-hidden": "true", style: { "--share": share } });

/* A table of words, each with a bar and a number. */
export function answerTable(caption, heading, rows, more = []) {
  const body = rows.map(({ word, share, number, cells = [], data = {} }) =>
    make(
      "tr",
      { data },
      make("th", { scope: "row" }, wordLink(word)),
      make("td", { className: "wide" }, bar(share)),
      make("td", { className: "number" }, number),
      ...cells.map((cell) => make("td", { className: "number more" }, cell)),
    ),
  );
  const head = ["word", "", heading, ...more].map((name, place) =>
    make(
      "th",
      { scope: "col", className: place > 2 ? "number more" : place > 1 ? "number" : "" },
      name,
    ),
  );
  return make(
    "table",
    { className: "answers" },
    make("caption", { className: "hidden" }, caption),
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...body),
  );
}

/* Type-ahead (the combobox of ARIA's practices): the token at the caret, completed. */

let lists = 0;

export function typeahead(input) {
  const list = make("ul", {
    id: `words-${lists++}`,
    role: "listbox",
    className: "typeahead",
    hidden: true,
  });
  list.setAttribute("aria-label", "Suggestions");
  const attributes = {
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-controls": list.id,
    "aria-expanded": "false",
  };
  for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
  let chosen = -1;
  let waiting = 0;
  let asking = new AbortController();

  function close() {
    clearTimeout(waiting);
    asking.abort();
    list.hidden = true;
    choose(-1);
    input.setAttribute("aria-expanded", "false");
  }

  function choose(place) {
    chosen = place;
    [...list.children].forEach((one, number) =>
      one.setAttribute("aria-selected", String(number === place)),
    );
    if (place < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[place].id);
  }

  function take(word) {
    const [begin, end] = tokenAt(input);
    const before = input.value.slice(0, begin) + (input.dataset.several ? quoted(word) : word);
    const after = input.value.slice(end) || (input.dataset.several ? " " : "");
    input.value = before + after;
    input.setSelectionRange(before.length + 1, before.length + 1);
    close();
  }

  async function fill() {
    const [begin, end] = tokenAt(input);
    const prefix = input.value.slice(begin, end);
    asking.abort();
    if (!prefix || prefix === "_" || prefix.startsWith('"')) return close();
    asking = new AbortController();
    const { words } = await ask("words", { prefix }, asking.signal).catch(() => ({ words: [] }));
    if (asking.signal.aborted) return;
    if (!words.length || (words.length === 1 && words[0] === prefix)) return close();
    list.replaceChildren(
      ...words.map((word, number) => {
        const option = make(
          "li",
          { role: "option", id: `${list.id}-${number}`, dir: "auto" },
          word,
        );
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(word);
        });
        return option;
      }),
    );
    choose(-1);
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fill, 40);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      const places = list.children.length + 1;
      choose(((chosen + 1 + moves[event.key] + places) % places) - 1);
    } else if (event.key === "Enter" && chosen >= 0) take(list.children[chosen].textContent);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  return list;
}

/* Begin and end of what is completed: up to the caret, from the white space or minus before it. */
function tokenAt(input) {
  const end = input.selectionStart;
  if (!input.dataset.several) return [0, input.value.length];
  const before = input.value.slice(0, end);
  const begin = before.search(/\S*$/u);
  return [begin + (before[begin] === "-" && input.dataset.several === "signed" ? 1 : 0), end];
}
