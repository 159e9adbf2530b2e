"use strict";
/* Finds samples, and draws the borders of tokens when somebody asks for them. It only makes texts, never HTML. */
(() => {
  const root = document.documentElement;
  const byId = (name) => document.getElementById(name);
  const samples = [...document.querySelectorAll("article.sample")];
  const colors = byId("colors");
  byId("colors-label").hidden = false;
  colors.addEventListener("change", () => {
    if (colors.value) root.dataset.colors = colors.value;
    else delete root.dataset.colors;
  });

  const controls = byId("controls");
  if (!controls) return;
  controls.hidden = false;

  const search = byId("search");
  const status = byId("shown");
  const filters = ["report", "why", "source", "role"].map((name) => byId("filter-" + name)).filter(Boolean);
  const valueOf = (name) => byId("filter-" + name)?.value ?? "";
  const textOf = (sample) => sample.querySelector(".text");
  /* Signs of line breaks are no text, but a line break is: search goes through the text as it is in the page. */
  const searched = new Map(samples.map((sample) => [sample, sample.textContent.toLowerCase()]));
  let current = null;

  const shown = () => samples.filter((sample) => !sample.hidden);

  /* Filters and search */

  const hasRole = (sample, role) =>
    !role || [...sample.querySelectorAll("[data-role]")].some((region) => region.dataset.role === role);

  function matches(sample, words, role) {
    const why = valueOf("why");
    const report = valueOf("report");
    const source = valueOf("source");
    return (
      (!why || sample.dataset.why.split(" ").includes(why)) &&
      (!report || sample.dataset.report === report) &&
      (!source || sample.dataset.source === source) &&
      hasRole(sample, role) &&
      (!words || searched.get(sample).includes(words))
    );
  }

  /* With a role, only the text of that role stays. */
  function showRole(sample, role) {
    for (const region of sample.querySelectorAll(".region")) region.hidden = Boolean(role) && region.dataset.role !== role;
    for (const message of sample.querySelectorAll(".message"))
      message.hidden = Boolean(role) && !message.querySelector(".region:not([hidden])");
  }

  function find() {
    const words = search.value.toLowerCase();
    const role = valueOf("role");
    for (const sample of samples) {
      sample.hidden = !matches(sample, words, role);
      if (!sample.hidden) showRole(sample, role);
    }
    const number = shown().length;
    status.textContent = number
      ? `${number} of ${samples.length} samples`
      : "No sample fits. Press Escape to clear the search and the filters.";
    highlight(words);
    fold();
  }

  function clear() {
    search.value = "";
    for (const filter of filters) filter.value = "";
    find();
  }

  /* Browsers without this interface show the samples that were found, without a mark on the words. */
  let found = [];
  let here = -1;

  function highlight(words) {
    if (!window.CSS?.highlights) return;
    found = [];
    here = -1;
    CSS.highlights.delete("found");
    CSS.highlights.delete("here");
    if (!words) return;
    for (const sample of shown()) mark(sample, words, found);
    CSS.highlights.set("found", new Highlight(...found));
  }

  /* Goes to the next place that was found, and opens its sample if it is folded there. */
  function goOn(by) {
    if (!found.length) return;
    here = (here + by + found.length) % found.length;
    const range = found[here];
    const element = range.startContainer.parentElement;
    opened.add(element.closest("article"));
    fold();
    const highlighted = new Highlight(range);
    highlighted.priority = 1;
    CSS.highlights.set("here", highlighted);
    /* A region may be longer than the window, so the place itself is scrolled to, not its element. */
    element.scrollIntoView({ block: "nearest", behavior: "instant" });
    const { top } = range.getBoundingClientRect();
    window.scrollBy({ top: top - window.innerHeight / 2, behavior: "instant" });
  }

  function mark(sample, words, ranges) {
    const nodes = [];
    const walker = document.createTreeWalker(sample, NodeFilter.SHOW_TEXT);
    let size = 0;
    while (walker.nextNode()) {
      nodes.push([size, walker.currentNode]);
      size += walker.currentNode.length;
    }
    const text = nodes.map(([, node]) => node.data).join("").toLowerCase();
    /* A few letters have another length in lower case; then the places are unknown. */
    if (text.length !== size) return;
    let first = 0;
    for (let at = text.indexOf(words); at >= 0 && ranges.length < 1000; at = text.indexOf(words, at + words.length)) {
      const end = at + words.length;
      while (first + 1 < nodes.length && nodes[first + 1][0] <= at) first += 1;
      let last = first;
      while (last + 1 < nodes.length && nodes[last + 1][0] < end) last += 1;
      const range = new Range();
      range.setStart(nodes[first][1], at - nodes[first][0]);
      range.setEnd(nodes[last][1], end - nodes[last][0]);
      ranges.push(range);
    }
  }

  /* Long texts: their beginning, until somebody asks for all. */

  const opened = new Set();

  function fold() {
    for (const sample of shown()) {
      const text = textOf(sample);
      if (!text) continue;
      text.classList.toggle("short", !opened.has(sample));
      const messages = [...text.querySelectorAll(".message")];
      const isCut = (element) => element.scrollHeight > element.clientHeight + 1;
      for (const message of messages) message.classList.toggle("long", isCut(message));
      const button = sample.querySelector(".more") ?? newButton(sample, text);
      const isLong = !opened.has(sample) && (isCut(text) || messages.some(isCut));
      sample.classList.toggle("long", isLong);
      nameButton(button, sample);
      button.hidden = !opened.has(sample) && !isLong;
    }
  }

  function nameButton(button, sample) {
    const isOpen = opened.has(sample);
    button.textContent = isOpen ? "Show less" : "Show all";
    button.setAttribute("aria-expanded", String(isOpen));
    button.setAttribute("aria-label", `${button.textContent} of sample ${sample.querySelector("h3").textContent}`);
  }

  function newButton(sample, text) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "more";
    text.id ||= sample.id + "-text";
    button.setAttribute("aria-controls", text.id);
    button.addEventListener("click", () => {
      if (!opened.delete(sample)) opened.add(sample);
      fold();
    });
    sample.append(button);
    return button;
  }

  /* Borders and ids of tokens. They are made for samples that are in the window, because a long row has thousands. */

  const plain = new Map();
  const switches = { tokens: byId("switch-tokens"), ids: byId("switch-ids"), kinds: byId("switch-kinds") };
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) divide(entry.target);
  }, { rootMargin: "300px" });

  function divide(sample) {
    const text = textOf(sample);
    if (!text || plain.has(sample)) return;
    plain.set(sample, [...text.childNodes].map((node) => node.cloneNode(true)));
    for (const span of text.querySelectorAll("[data-ids]")) divideSpan(span);
  }

  function divideSpan(span) {
    const ids = span.dataset.ids.split(" ");
    const ends = span.dataset.ends.split(" ").map(Number);
    const letters = [...span.textContent];
    const pieces = [];
    let start = 0;
    let waiting = [];
    /* Tokens of a part of a character end where the one before ended; they share the piece of the one after them. */
    ids.forEach((id, at) => {
      waiting.push(id);
      if (ends[at] > start) {
        pieces.push([letters.slice(start, ends[at]).join(""), waiting.join(" ")]);
        start = ends[at];
        waiting = [];
      }
    });
    if (waiting.length && pieces.length) pieces[pieces.length - 1][1] += " " + waiting.join(" ");
    else if (waiting.length) pieces.push(["", waiting.join(" ")]);
    /* The rest belongs to a token that ends in the next span. */
    if (start < letters.length) pieces.push([letters.slice(start).join(""), null]);
    span.replaceChildren(...pieces.map(([letters_, id]) => newToken(letters_, id)));
  }

  function newToken(letters, id) {
    const token = document.createElement("span");
    if (id !== null) {
      token.className = "token";
      token.dataset.id = id;
      token.title = (id.includes(" ") ? "tokens " : "token ") + id;
    }
    for (const part of letters.split(/(\n|\t| {2,}|^ +| +$|[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+)/)) {
      if (part === "\n") token.append(document.createElement("b"), part);
      else if (/^\s+$/.test(part)) {
        const space = document.createElement(part === "\t" ? "u" : "i");
        space.append(part);
        token.append(space);
      } else token.append(part);
    }
    return token;
  }

  function unite() {
    for (const [sample, nodes] of plain) textOf(sample).replaceChildren(...nodes);
    plain.clear();
  }

  function switchAll() {
    const wantsTokens = switches.tokens.checked || switches.ids.checked;
    root.classList.toggle("tokens", wantsTokens);
    root.classList.toggle("ids", switches.ids.checked);
    root.classList.toggle("kinds", switches.kinds.checked);
    for (const sample of samples) {
      if (wantsTokens) near.observe(sample);
      else near.unobserve(sample);
    }
    if (!wantsTokens) unite();
    find();
  }

  /* A link to a sample finds it, also if a filter hides it. */
  function follow() {
    const target = samples.find((sample) => location.hash === "#" + sample.id);
    if (!target) return;
    if (target.hidden) clear();
    choose(target);
  }

  /* Keys */

  function choose(sample) {
    current?.classList.remove("current");
    current = sample;
    if (!sample) return;
    sample.classList.add("current");
    sample.focus({ preventScroll: true });
    sample.scrollIntoView({ block: "start", behavior: "instant" });
  }

  function step(by) {
    const list = shown();
    if (!list.length) return;
    const at = list.indexOf(current);
    choose(list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)]);
  }

  function toggle(name) {
    switches[name].checked = !switches[name].checked;
    switchAll();
  }

  const keys = {
    j: () => step(1), k: () => step(-1), ArrowRight: () => step(1), ArrowLeft: () => step(-1),
    "/": () => { search.focus(); search.select(); }, t: () => toggle("tokens"), i: () => toggle("ids"),
  };

  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      if (at === search && search.value === "") search.blur();
      else if (at === search) { search.value = ""; find(); }
      else clear();
      if (at === search) { event.preventDefault(); search.blur(); }
      return;
    }
    if (event.key === "Enter" && at === search) goOn(event.shiftKey ? -1 : 1);
    /* Letters belong to a field, and arrows to whatever scrolls. */
    if (at.matches("input:not([type=checkbox]), select, textarea")) return;
    if (event.key.startsWith("Arrow") && at.closest(".scroll, nav")) return;
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  search.addEventListener("input", find);
  for (const filter of filters) filter.addEventListener("change", find);
  for (const one of Object.values(switches)) one.addEventListener("change", switchAll);
  /* A browser keeps the values of fields when it loads a page again. */
  window.addEventListener("pageshow", switchAll);
  window.addEventListener("resize", fold);
  window.addEventListener("hashchange", follow);
  /* A printed page has all of what it shows, and tokens of samples far away too. */
  window.addEventListener("beforeprint", () => {
    if (root.classList.contains("tokens")) shown().forEach(divide);
  });
  find();
  follow();
})();
