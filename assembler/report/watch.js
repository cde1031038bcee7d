"use strict";
const known = JSON.parse(document.getElementById("known").textContent);
const video = document.querySelector("video"), strip = document.getElementById("strip"), tip = document.getElementById("tip");
const find = (selector) => [...document.querySelectorAll(selector)];
const last = (items, fits) => items.findLastIndex(fits);
const clock = (ms) => {
  const s = Math.floor(ms / 1000), two = (n) => String(n).padStart(2, "0");
  return (s >= 3600 ? Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) : Math.floor(s / 60)) + ":" + two(s % 60);
};
const parse = (text) => {
  const units = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  const parts = units && text ? [units[1] || 0, units[2] || 0, units[3] || 0] : text.split(":");
  const numbers = parts.map(Number);
  if (!text || numbers.length > 3 || numbers.some((n) => !(n >= 0))) return null;
  return numbers.reduce((sum, n) => sum * 60 + n, 0) * 1000;
};
const wall = (ms) => {
  if (known.start === null) return null;
  let at = known.start + ms;
  for (const [instant, length] of known.jumps) {
    if (instant > ms) break;
    if (length === null) return null;
    at += length;
  }
  return at;
};
const day = (options) => new Intl.DateTimeFormat("en-GB", {...options, ...(known.zone && {timeZone: known.zone})});
const time = day({hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});
const zone = known.zone || "your time: " + Intl.DateTimeFormat().resolvedOptions().timeZone;
const local = (ms) => (wall(ms) === null ? "" : (known.exact ? "" : "about ") + time.format(wall(ms)));
const chapterAt = (ms) => last(known.chapters, ([at]) => at <= ms);
const heard = (person, ms) => person.speech.some(([from, to]) => from <= ms && ms < to);

const now = () => video.currentTime * 1000;
const seek = (ms, play) => {
  video.currentTime = Math.min(Math.max(ms, 0), known.length) / 1000;
  if (play) video.play().catch(() => {});
  show();
};
const apart = (words) => words && `\u2068${words}\u2069`;  // right-to-left words turn nothing else around
const say = (words) => { document.getElementById("said").textContent = words; };
const toggle = () => (video.paused ? video.play().catch(() => {}) : video.pause());

// what is there when: one path for each kind of span
const svg = (className, parts) => {
  const name = "http://www.w3.org/2000/svg", drawn = document.createElementNS(name, "svg");
  drawn.setAttribute("viewBox", `0 0 ${Math.max(1, known.length)} 1`);
  drawn.setAttribute("preserveAspectRatio", "none");
  drawn.setAttribute("class", className);
  drawn.setAttribute("aria-hidden", "true");
  for (const [kind, spans] of parts) {
    const path = document.createElementNS(name, "path");
    path.setAttribute("class", kind);
    path.setAttribute("d", spans.map(([from, to]) => `M${from} 0H${to}V1H${from}Z`).join(""));
    drawn.append(path);
  }
  return drawn;
};
const place = (element, event) => {
  const box = element.getBoundingClientRect();
  return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * known.length;
};
const colour = (number) => "c" + Math.min(number, 7);
const draw = () => {
  const points = (instants) => instants.map((at) => [at, at]);
  strip.append(svg("marks", [["tick", points(known.chapters.map(([at]) => at))], ["break", points(known.jumps.map(([at]) => at))]]));
  const lanes = [known.boards.length && ["board", known.boards], known.shares.length && ["share", known.shares]].filter(Boolean);
  if (lanes.length) strip.append(svg("", lanes));
  const talkers = known.people.map((person, number) => [person, number]).filter(([person]) => person.speech.length);
  for (const [person, number] of talkers.slice(0, known.lanes)) strip.append(svg("", [[colour(number), person.speech]]));
  if (talkers.length > known.lanes)
    strip.append(svg("", [["c7", talkers.slice(known.lanes).flatMap(([person]) => person.speech)]]));
  find("#people li").forEach((row, number) => {
    const person = known.people[number], lane = row.querySelector(".lane");
    lane.prepend(svg("", [["faint " + colour(number), person.seen], [colour(number), person.speech], ["share", person.shares]]));
    lane.addEventListener("click", (event) => seek(place(lane, event)));
    const turns = person.speech.length ? person.speech : person.shares.length ? person.shares : person.seen;
    const button = row.querySelector("button");
    button.disabled = !turns.length;
    button.addEventListener("click", () => seek((turns.find(([from]) => from > now() + 500) || turns[0])[0], true));
  });
};

const list = document.querySelector("#chapters > div"), links = find("#chapters a"), sheet = document.getElementById("sheet");
if (sheet) {
  document.body.style.setProperty("--sheet", `url("${sheet.src}")`);
  document.body.style.setProperty("--shape", known.shape);
}
const thumb = (element, number) => {
  const many = Math.min(known.chapters.length, known.pictures);
  element.hidden = !sheet || number < 0 || number >= many;
  if (!element.hidden) element.style.backgroundPosition = `0 ${many > 1 ? (100 * number) / (many - 1) : 0}%`;
};
links.forEach((link, number) => {
  thumb(link.querySelector(".thumb"), number);
  link.querySelector("small").textContent = [clock(known.chapters[number][0]), local(known.chapters[number][0])].filter(Boolean).join(" · ");
});
find("a[data-at]").forEach((link) => { link.href = "#t=" + clock(Number(link.dataset.at)); });
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-at]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  seek(Number(link.dataset.at), true);
});

const words = document.getElementById("words"), tracks = [];
let lines = [], marked = [];
const read = (number) => {  // shows one track beside the video
  const rows = document.getElementById("said-list");
  rows.replaceChildren();
  marked = [];
  lines = (known.captions[number] || {cues: []}).cues.map(([from, to, who, text]) => {
    const row = document.createElement("li"), link = document.createElement("a"), at = document.createElement("time");
    const said = document.createElement("span");
    link.dataset.at = from;
    link.href = "#t=" + clock(from);
    at.textContent = clock(from);
    said.textContent = (who ? who + ": " : "") + text;
    said.dir = "auto";
    link.append(at, said);
    row.append(link);
    rows.append(row);
    return [from, to, row, link];
  });
};
const captions = document.getElementById("captions");
for (const {title, cues} of known.captions) {
  const track = video.addTextTrack("captions", title);
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  for (const [from, to, who, text] of cues) track.addCue(new VTTCue(from / 1000, to / 1000, (who ? `${plain(who)}: ` : "") + plain(text)));
  track.mode = "disabled";
  tracks.push(track);
}
const caption = (number) => {
  tracks.forEach((track, other) => { track.mode = other === number ? "showing" : "disabled"; });
  captions.value = String(number);
  if (number >= 0 && words) { document.getElementById("which").value = String(number); read(number); }
  say(tracks.length ? (number < 0 ? "Captions off" : "Captions on: " + known.captions[number].title) : "There are no captions");
};
if (tracks.length) {
  captions.addEventListener("change", () => caption(Number(captions.value)));
  document.getElementById("which").addEventListener("change", (event) => read(Number(event.target.value)));
  document.getElementById("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const [, , row] of lines) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
  read(0);
}

const speed = document.getElementById("speed");
const rate = (value) => { video.playbackRate = value; speed.value = String(value); say("Speed " + value); };
speed.addEventListener("change", () => rate(Number(speed.value)));
video.addEventListener("ratechange", () => { speed.value = String(video.playbackRate); });

let shown = -1;
const show = () => {
  const ms = now(), chapter = chapterAt(ms), title = chapter >= 0 ? known.chapters[chapter][1] : "";
  document.body.style.setProperty("--at", known.length ? Math.min(ms / known.length, 1) : 0);
  document.getElementById("at").textContent = `${clock(ms)} / ${clock(known.length)}`;
  document.getElementById("when").textContent = [local(ms) && `${local(ms)} (${zone})`, apart(title)].filter(Boolean).join(" · ");
  strip.setAttribute("aria-valuenow", Math.round(ms / 1000));
  strip.setAttribute("aria-valuetext", [clock(ms), title, local(ms)].filter(Boolean).join(", "));
  find("#people li").forEach((row, number) => row.classList.toggle("speaking", heard(known.people[number], ms)));
  const said = lines.filter(([from, to]) => from <= ms && ms < to);
  for (const line of marked) if (!said.includes(line)) line[3].removeAttribute("aria-current");
  for (const [, , , link] of said) link.setAttribute("aria-current", "true");
  marked = said;
  if (chapter === shown) return;
  shown = chapter;
  links.forEach((link, number) => (number === chapter ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  const link = links[chapter];
  if (link && !list.contains(document.activeElement)) list.scrollTop = link.offsetTop - list.clientHeight / 3;
};
for (const event of ["timeupdate", "seeking", "loadedmetadata"]) video.addEventListener(event, show);

// a place in the class is an address: #t=1:23:45
const follow = () => {
  const found = /[#&]t=([^&]*)/.exec(location.hash), at = found && parse(decodeURIComponent(found[1]));
  if (at !== null && at !== undefined && Math.abs(at - now()) >= 1000) seek(at);
};
const keep = () => { try { history.replaceState(null, "", "#t=" + clock(now())); } catch { /* a page in a frame of another origin */ } };
addEventListener("hashchange", follow);
video.addEventListener("seeked", keep);
video.addEventListener("pause", keep);
video.addEventListener("error", () => { document.getElementById("gone").hidden = false; });
if (video.error) document.getElementById("gone").hidden = false;
document.getElementById("copy").addEventListener("click", async () => {
  keep();
  const copied = navigator.clipboard ? await navigator.clipboard.writeText(location.href).then(() => true, () => false) : false;
  say(copied ? `The link to ${clock(now())} is copied` : `The address of this page leads to ${clock(now())}`);
});

let grabbed = false;
const move = (event) => {
  const at = place(strip, event), number = chapterAt(at), talking = known.people.filter((person) => heard(person, at));
  tip.hidden = false;
  tip.style.left = `clamp(0px, ${(100 * at) / known.length}% - 96px, 100% - 192px)`;
  thumb(tip.querySelector(".thumb"), number);
  tip.querySelector("b").textContent = clock(at);
  tip.querySelector("span:last-child").textContent = [local(at), number >= 0 && apart(known.chapters[number][1]),
    talking.length && talking.map((person) => person.name).join(", ") + " speaking"].filter(Boolean).join(" · ");
  if (grabbed) seek(at);
};
strip.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  grabbed = true;
  strip.setPointerCapture(event.pointerId);
  move(event);
});
strip.addEventListener("pointermove", move);
for (const event of ["pointerup", "pointercancel"]) strip.addEventListener(event, () => { grabbed = false; });
strip.addEventListener("pointerleave", () => { tip.hidden = true; });

const help = document.getElementById("help");
const step = (by) => {  // to the next chapter, or to the start of this one and then the one before
  const from = by < 0 ? now() - 3000 : now();
  const to = chapterAt(from) + (by > 0 ? 1 : 0);
  if (to < known.chapters.length) seek(known.chapters[Math.max(to, 0)][0]);
};
const rates = () => [...speed.options].map((option) => Number(option.value));
const full = () => (document.fullscreenElement ? document.exitFullscreen() : (video.requestFullscreen || video.webkitEnterFullscreen).call(video));
const keys = {
  " ": toggle, k: toggle, j: () => seek(now() - 10000), l: () => seek(now() + 10000), ArrowLeft: () => seek(now() - 5000),
  ArrowRight: () => seek(now() + 5000), n: () => step(1), p: () => step(-1), f: full,
  m: () => { video.muted = !video.muted; say(video.muted ? "Muted" : "Sound on"); },
  c: () => caption(Number(captions.value) + 1 < tracks.length ? Number(captions.value) + 1 : -1),
  "<": () => rate(rates().findLast((one) => one < video.playbackRate) || rates()[0]),
  ">": () => rate(rates().find((one) => one > video.playbackRate) || rates().at(-1)),
  "?": () => help.showModal(),
};
const own = {Home: () => seek(0), End: () => seek(known.length), PageUp: () => seek(now() + 60000), PageDown: () => seek(now() - 60000),
  ArrowUp: keys.ArrowRight, ArrowDown: keys.ArrowLeft};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const target = event.target, isWriting = target.matches("input, textarea, select");
  if (isWriting || (event.key === " " && target.matches("button, a, summary"))) return;
  const digit = /^[0-9]$/.test(event.key) && (() => seek((known.length * Number(event.key)) / 10));
  const act = (target === strip && own[event.key]) || digit || keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}, true);  // before the video's own keys
for (const [id, act] of [["before", () => step(-1)], ["after", () => step(1)], ["keys", () => help.showModal()],
  ["close", () => help.close()]])
  document.getElementById(id).addEventListener("click", act);

strip.hidden = false;
find(".alive").forEach((element) => { element.hidden = false; });
if (known.start !== null) {
  const date = day({weekday: "short", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
  document.getElementById("date").textContent = `${date.format(known.start)} (${zone})`;
}
draw();
follow();
show();
