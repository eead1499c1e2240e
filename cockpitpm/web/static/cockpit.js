// What a script adds: live rows and jobs, a dialog for plans, a filter while typing, copy, "Asking…".
// Without it every page works. Text that comes from elsewhere is only ever put into text nodes; rows are the server's.
"use strict";
(() => {
  const body = document.body, prefix = body.dataset.prefix || "";
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const make = (tag, text, name) => Object.assign(document.createElement(tag), { textContent: text || "", className: name || "" });
  const page = async (url) => {
    const answer = await fetch(url, { credentials: "same-origin", headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.status);  // whoever answered, its page is not parsed into ours
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  // ---- what is said aloud: at most one thing in five seconds, the newest
  let said = 0, waiting = null;
  const say = (text) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { said = Date.now(); $("#status").textContent = text; }, Math.max(0, said + 5000 - Date.now()));
  };
  const alarm = (text) => { $("#alert").textContent = text; };
  const notice = (key, text, link) => {
    let it = $(`#notices [data-key="${key}"]`);
    if (!text) { if (it) it.remove(); return; }
    if (!it) { it = make("div", "", "banner info"); it.dataset.key = key; $("#notices").append(it); }
    const line = make("p", `${text} `);
    if (link) { const a = make("a", link[0]); a.href = link[1]; line.append(a); }
    it.replaceChildren(line);
  };

  // ---- times: "4 minutes ago" beside what the server wrote
  const units = [[86400, "day"], [3600, "hour"], [60, "minute"]];
  const ago = (then) => {
    const seconds = (Date.now() - then) / 1000;
    if (!(seconds >= 0) || seconds > 86400 * 60) return "";
    const [length, unit] = units.find(([one]) => seconds >= one) || [1, ""];
    const count = Math.floor(seconds / length);
    return unit ? `${count} ${unit}${count === 1 ? "" : "s"} ago` : "just now";
  };
  const times = () => all(".meta time").forEach((time) => {
    const text = ago(Date.parse(time.getAttribute("datetime")));
    if (text && time.textContent !== text) time.textContent = text;
  });

  // ---- menus, copy, asking
  document.addEventListener("click", (event) => {
    const inside = event.target.closest(".menu");
    all(".menu[open]").forEach((menu) => { if (menu !== inside) menu.open = false; });
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => {
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 2000);
    });
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest(".menu[open]");
    if (!menu) return;
    const links = all(".pop a", menu), at = links.indexOf(document.activeElement);
    if (event.key === "Escape") { menu.open = false; $("summary", menu).focus(); event.stopPropagation(); }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      links[(at + (event.key === "ArrowDown" ? 1 : links.length + (at < 0 ? 0 : -1))) % links.length]?.focus();
    }
  });
  const asking = (it) => {
    if (it.getAttribute("aria-disabled") === "true") return false;
    it.style.minWidth = `${it.offsetWidth}px`;
    it.dataset.words = it.textContent;
    it.textContent = "Asking…";
    it.setAttribute("aria-disabled", "true");
    return true;
  };
  const asked = (it) => {
    if (!it.dataset.words) return;
    it.textContent = it.dataset.words;
    it.removeAttribute("aria-disabled");
    delete it.dataset.words;
  };
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!event.target.matches("[data-asks]") || !button) return;
    if (!asking(button)) event.preventDefault();
  });
  addEventListener("pageshow", () => all("[data-words]").forEach(asked));

  // ---- a plan in a dialog; whatever goes wrong, the page itself is opened
  const dialog = $("#dialog");
  let opener = null;
  const present = (what, from) => {
    const title = $("h1", what);
    opener = from;
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.replaceChildren(what);
    dialog.showModal();
    title.focus();
  };
  document.addEventListener("click", async (event) => {
    const close = event.target.closest("[data-close]");
    if (close && dialog.contains(close)) { event.preventDefault(); dialog.close(); return; }
    const link = event.target.closest("a[data-plan]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const quiet = link.closest(".pop");
    if (!quiet && !asking(link)) return;
    try {
      const plan = $("#plan", await page(link.href));
      if (!plan) throw new Error("no plan");
      if (quiet) quiet.parentElement.open = false;
      present(document.adoptNode(plan), quiet ? $("summary", quiet.parentElement) : link);
    } catch { location.href = link.href; }
    asked(link);
  });
  dialog.addEventListener("close", () => { dialog.replaceChildren(); if (opener?.isConnected) opener.focus(); opener = null; });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // ---- filter as you type
  const q = $("#q");
  const filter = () => {
    const words = q.value.toLowerCase().split(/\s+/).filter(Boolean);
    all(".app").forEach((row) => { row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word)); });
    all("main section[data-section]").forEach((section) => { section.hidden = !$(".app:not([hidden])", section); });
  };
  if (q) {
    q.form.addEventListener("submit", (event) => event.preventDefault());
    $("button", q.form).hidden = true;
    q.addEventListener("input", filter);
  }

  // ---- single keys, for whoever chose them; two of them one after the other are one
  const keys = {
    "/": () => { if (q) q.focus(); else location.href = `${prefix}/services#q`; },
    "?": () => present($("#keys").content.firstElementChild.cloneNode(true), document.activeElement),
    gs: () => { location.href = `${prefix}/services`; },
    gj: () => { location.href = `${prefix}/jobs`; },
  };
  let first = "", pressed = 0;
  if (body.dataset.keys) document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (dialog.open || event.target.closest("input, textarea, select, [contenteditable]")) { first = ""; return; }
    const act = keys[first && event.timeStamp - pressed < 1500 ? first + event.key : event.key];
    first = event.key === "g" ? "g" : event.key === "Shift" ? first : "";
    pressed = event.timeStamp;
    if (act) { event.preventDefault(); act(); }
  });

  // ---- which rows stand open, kept for the next time; the server knows the same rules
  document.addEventListener("click", (event) => {
    const fold = event.target.closest("summary")?.parentElement;
    if (!fold?.matches(".app > .fold")) return;
    const row = fold.parentElement, app = row.dataset.app, open = !fold.open;
    const said = document.cookie.match(/(?:^|; )cockpit_open=([^;]*)/)?.[1] || "";
    const kept = said.split(".").filter((it) => /^(\*|-?[a-z][a-z0-9_]{0,63})$/.test(it) && it !== app && it !== `-${app}`);
    const usual = kept.includes("*") || row.dataset.section === "needs_decision" || Boolean($(".prog", row));
    if (open !== usual) kept.push(open ? app : `-${app}`);
    while (kept.join(".").length > 2000) kept.splice(kept[0] === "*" ? 1 : 0, 1);
    document.cookie = `cockpit_open=${kept.join(".")}; Path=${prefix || "/"}; Max-Age=${kept.length ? 2592000 : 0}; SameSite=Strict`;
  });

  // ---- rows: swapped where they stand, open state and focus stay
  const path = (node) => { const steps = []; for (let it = node; it && !it.matches(".app"); it = it.parentElement) steps.unshift([...it.parentElement.children].indexOf(it)); return steps; };
  const swap = (html) => {
    const fresh = html instanceof Element ? html : new DOMParser().parseFromString(`<ul>${html}</ul>`, "text/html").querySelector(".app");
    if (!fresh) return;
    const old = document.getElementById(fresh.id);
    if (!old) { moved(); return; }
    if (old.dataset.digest === fresh.dataset.digest) return;
    const open = $(".fold", old)?.open, shown = $(".fold", fresh);
    if (shown && open !== undefined) shown.open = open;
    const focus = old.contains(document.activeElement) ? path(document.activeElement) : null;
    const section = old.dataset.section;
    fresh.hidden = old.hidden;
    old.replaceWith(document.adoptNode(fresh));
    if (focus) {
      let it = fresh;
      for (const step of focus) it = it?.children[step];
      (it?.focus ? it : $("summary, a", fresh))?.focus();
      if (!fresh.contains(document.activeElement)) $("summary, a", fresh)?.focus();
    }
    if (section !== fresh.dataset.section) moved();
    const words = $(".st span", fresh)?.firstChild?.textContent;
    if (words) say(`${fresh.dataset.app}: ${words.trim()}`);
  };
  const moved = () => { const order = $("#order"); if (order) order.hidden = false; };
  const afresh = async () => {
    try {
      const tree = await page(location.href);
      const lede = $("#lede", tree);
      if (lede && $("#lede")) $("#lede").replaceChildren(...document.adoptNode(lede).childNodes);
      const count = $(".nav a[href$='/jobs']", tree);
      if (count) $(".nav a[href$='/jobs']").replaceChildren(...document.adoptNode(count).childNodes);
      all(".app", tree).forEach(swap);
      job(tree);
    } catch { /* the stream says when there is somebody again */ }
  };

  // ---- a job's page
  const box = $("#job"), log = $("#log"), follow = $("#follow");
  if (follow) {
    follow.closest("label").hidden = false;
    log.addEventListener("scroll", () => { follow.checked = log.scrollHeight - log.scrollTop - log.clientHeight < 24; });
    follow.addEventListener("change", () => { if (follow.checked) log.scrollTop = log.scrollHeight; });
    log.scrollTop = log.scrollHeight;
  }
  const add = (n, at, text, warn) => {
    if (!log || $(`[data-n="${n}"]`, log)) return;
    const line = make("span", "", warn ? "warn" : ""), time = make("i", (at || "").slice(11, 19));
    line.dataset.n = n;
    line.append(time, ` ${text}\n`);
    const next = all("[data-n]", log).find((it) => +it.dataset.n > n);
    next ? next.before(line) : log.append(line);
    if (follow.checked) log.scrollTop = log.scrollHeight;
  };
  const job = (tree) => {
    const now = $("#job"), fresh = $("#job", tree);
    if (!now || !fresh) return;
    all("#log [data-n]", tree).forEach((it) => { if (!$(`[data-n="${it.dataset.n}"]`, log)) log.append(document.adoptNode(it)); });
    if (follow.checked) log.scrollTop = log.scrollHeight;
    if (now.isEqualNode(fresh)) return;
    $("#after").replaceWith(document.adoptNode($("#after", tree)));
    document.title = tree.title;
    if (now.dataset.head !== fresh.dataset.head) {
      const bad = ["failed", "rolled_back", "refused", "unknown"].includes(fresh.dataset.state);
      (bad ? alarm : say)(fresh.dataset.head);
    }
    now.replaceWith(document.adoptNode(fresh));
    times();
  };
  let due = null;
  const soon = () => { if (!due) due = setTimeout(() => { due = null; afresh(); }, 400); };

  // ---- the stream
  const live = $("#live"), word = $("span", live);
  let stream = null, mark = body.dataset.mark, boot = mark.replace(/-\d+$/, ""), seen = 0, lost = null, since = null, ended = false;
  const clock = (at) => new Date(at).toTimeString().slice(0, 8);
  const show = (text, name) => { if (word.textContent !== text) word.textContent = text; live.className = `live ${name}`; };
  const alive = () => {
    seen = Date.now(); since = null;
    clearTimeout(lost); lost = null;
    show("Live", "on");
    notice("gone", "");
  };
  const gone = (at = Date.now(), grace = 3000) => {
    if (lost || ended) return;
    since = since || clock(at);
    lost = setTimeout(() => { show(`Reconnecting, shown as of ${since}`, "off"); session(); }, grace);
  };
  const session = async () => {
    try {
      const answer = await fetch(`${prefix}/session`, { credentials: "same-origin" });
      if (answer.status !== 401) return;
      ended = true; stop();
      show("Signed out", "off");
      const goes = ["waiting", "running"].includes($("#job")?.dataset.state) ? ` Job ${box.dataset.job} goes on.` : "";
      alarm(`Your session ended.${goes}`);
      notice("session", `Your session ended.${goes}`, ["Sign in", `${prefix}/session?next=${encodeURIComponent(location.pathname + location.search)}`]);
    } catch { /* nobody answers */ }
  };
  const stop = () => { stream?.close(); stream = null; };
  const start = () => {
    if (ended || stream || !window.EventSource) return;
    stream = new EventSource(`${prefix}/events?topics=${encodeURIComponent(body.dataset.topics)}&since=${encodeURIComponent(mark)}`);
    const on = (kind, act) => stream.addEventListener(kind, (event) => {
      if (event.lastEventId) mark = event.lastEventId;
      alive();
      act(JSON.parse(event.data));
    });
    on("hello", (it) => {
      if (it.boot !== boot) { boot = it.boot; mark = `${it.boot}-${it.seq}`; afresh(); }
      if (it.version !== body.dataset.version) notice("version", "Cockpit was updated.", ["Reload when you like", location.href]);
    });
    on("app", (it) => { if (!$(".list .app")) return; it.html ? swap(it.html) : soon(); });
    on("summary", () => soon());
    on("job", (it) => { bar(it); if (box) soon(); });
    on("step", () => { if (box) soon(); });
    on("log", (it) => { if (box && +box.dataset.job === it.job) add(it.n, it.ts, `${it.service ? `${it.service}: ` : ""}${it.line}`); });
    on("end", () => soon());
    on("reset", () => { mark = ""; afresh(); });
    on("beat", () => {});
    on("bye", () => { stop(); gone(); setTimeout(start, 1500); });
    stream.onerror = () => { gone(); if (stream?.readyState === 2) { stop(); session(); setTimeout(start, 3000); } };  // somebody answered, and said no
  };
  const bar = (it) => {
    const line = $(`.prog[data-job="${+it.job}"]`);
    if (!line || !it.steps) return;
    const progress = $("progress", line);
    progress.max = it.steps; progress.value = it.step;
    $("span", line).textContent = `Step ${it.step} of ${it.steps}${it.label ? `, ${it.label}` : ""}`;
  };
  setInterval(() => {
    times();
    if (stream && seen && Date.now() - seen > 40000) { stop(); gone(seen, 0); start(); }
    if (since && Date.now() - seen > 300000) notice("gone", "Cannot reach this machine. On it, see: cockpitpm serve");
  }, 4000);
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else start(); });
  addEventListener("pagehide", stop);

  all(".copy").forEach((it) => { it.hidden = !navigator.clipboard; });
  times();
  start();
})();
