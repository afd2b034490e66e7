"use strict";
// A grounded video: frames and masks stand in script elements #frame-0, #frame-1, ... as JSON
// {jpeg, masks}, everything else in #found. Nouns are counted from 0 here, in narrative order.

const KEPT = 40; // decoded frames
const AHEAD = 4; // frames decoded before they are shown
const FILL = 115; // opacity of a mask, 0 .. 255
const STRIPES = 30; // across the shorter side, where nouns share pixels
const DETAIL = 2; // pixels of the canvas for each of a frame: outlines stay smooth when enlarged
const LINE = 1.8; // width of an outline, in pixels of a frame
const HALO = 3.4; // of the contrasting line below it

const $ = (id) => document.getElementById(id);
const found = JSON.parse($("found").textContent);
const { width, height, nouns, times, names, scores } = found;
const last = times.length - 1;
const step = last ? (times[last] - times[0]) / last : 1 / found.rate;
Object.assign($("view"), { width: DETAIL * width, height: DETAIL * height });
const view = $("view").getContext("2d");
view.scale(DETAIL, DETAIL);
view.imageSmoothingQuality = "high";
view.lineCap = "round";
const layer = Object.assign(document.createElement("canvas"), { width, height });
const masks = layer.getContext("2d");
const stripe = Uint16Array.from({ length: width + height }, (_, i) =>
  Math.floor(i / Math.max(2, Math.round(Math.min(width, height) / STRIPES))));

let current = 0; // the frame that is asked for
let asked = 0; // number of the last request; of those that become ready the newest is painted
let painted = -1;
let hovered = null;
const pinned = new Set();
let clock = null; // while playing: {now, time} of the moment it began

// ---------------------------------------------------------------- frames and masks

// Lengths of runs, background first, from COCO's compressed form.
function runLengths(text) {
  const runs = [];
  for (let at = 0; at < text.length;) {
    let value = 0, shift = 0, code;
    do {
      code = text.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
    } while (code & 32);
    if (code & 16) value |= -1 << shift;
    if (runs.length > 2) value += runs[runs.length - 2];
    runs.push(value);
  }
  return runs;
}

// One byte a pixel, row by row.
function decodeMask(text, size) {
  const mask = new Uint8Array(size);
  let at = 0;
  runLengths(text).forEach((run, i) => {
    if (i % 2) mask.fill(1, at, at + run);
    at += run;
  });
  return mask;
}

const cache = new Map();

function load(place) {
  let entry = cache.get(place);
  if (entry) {
    cache.delete(place); // to the end: the first is the one not used for longest
  } else {
    const data = JSON.parse($("frame-" + place).textContent);
    const image = new Image();
    image.src = "data:image/jpeg;base64," + data.jpeg;
    entry = { image, texts: data.masks, shapes: [], ready: image.decode() };
  }
  cache.set(place, entry);
  if (cache.size > KEPT) cache.delete(cache.keys().next().value);
  return entry;
}

function shapeOf(entry, noun) {
  entry.shapes[noun] ??= outlined(decodeMask(entry.texts[noun], width * height));
  return entry.shapes[noun];
}

// A mask and the line around it: for each square of four pixel centres that the line crosses, the
// square's place and the ends of the line in it. The border of the frame is no outline.
function outlined(mask) {
  const segments = [];
  const top = Math.floor(mask.indexOf(1) / width); // of the rows that the mask has pixels in
  const bottom = Math.floor(mask.lastIndexOf(1) / width);
  for (let y = Math.max(0, top - 1); y <= Math.min(bottom, height - 2); y++) {
    for (let x = 0, at = y * width; x < width - 1; x++, at++) {
      const a = mask[at], b = mask[at + 1], c = mask[at + width], d = mask[at + width + 1];
      if (a + b + c + d === 0 || a + b + c + d === 4) continue;
      const ends = [];
      if (a !== b) ends.push(x + 1, y + 0.5);
      if (a !== c) ends.push(x + 0.5, y + 1);
      if (b !== d) ends.push(x + 1.5, y + 1);
      if (c !== d) ends.push(x + 1, y + 1.5);
      for (let i = 0; i < ends.length; i += 4) segments.push([at, ...ends.slice(i, i + 4)]);
    }
  }
  return { mask, segments, top, bottom };
}

// ---------------------------------------------------------------- painting

function shownNouns() {
  if (hovered !== null) return [hovered];
  return pinned.size ? [...pinned].sort((a, b) => a - b) : nouns.map((_, i) => i);
}

// Of n nouns that share a pixel, the last takes every n-th stripe.
const takes = (taken, x, y) => !taken || stripe[x + y] % (taken + 1) === taken;

function paint(entry) {
  view.drawImage(entry.image, 0, 0, width, height);
  const shown = shownNouns().filter((noun) => entry.texts[noun]);
  const shapes = shown.map((noun) => shapeOf(entry, noun));
  const picture = masks.createImageData(width, height);
  const taken = new Uint8Array(width * height);
  shown.forEach((noun, i) => fill(picture.data, shapes[i], nouns[noun].colour, taken));
  masks.putImageData(picture, 0, 0);
  view.drawImage(layer, 0, 0);
  shown.forEach((noun, i) => stroke(shapes[i].segments, nouns[noun].contrast, HALO));
  const drawn = new Uint8Array(width * height); // outlines through each pixel and beside it
  shown.forEach((noun, i) => {
    const own = shapes[i].segments.filter(([at]) => takes(drawn[at], at % width, at / width | 0));
    stroke(own, nouns[noun].colour, LINE);
    const near = new Set(shapes[i].segments.flatMap(
      ([at]) => [at, at - 1, at + 1, at - width, at + width]));
    near.forEach((at) => drawn[at]++);
  });
}

function fill(pixels, { mask, top, bottom }, [red, green, blue], taken) {
  for (let y = top, at = top * width; y <= bottom; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!mask[at] || !takes(taken[at]++, x, y)) continue;
      pixels[4 * at] = red;
      pixels[4 * at + 1] = green;
      pixels[4 * at + 2] = blue;
      pixels[4 * at + 3] = FILL;
    }
  }
}

function stroke(segments, colour, thickness) {
  view.beginPath();
  for (const [, x1, y1, x2, y2] of segments) {
    view.moveTo(x1, y1);
    view.lineTo(x2, y2);
  }
  view.lineWidth = thickness;
  view.strokeStyle = `rgb(${colour})`;
  view.stroke();
}

function repaint() {
  const entry = load(current), request = ++asked;
  entry.ready.then(() => {
    if (request < painted) return;
    painted = request;
    paint(entry);
    $("view").dataset.painted = request; // for whoever waits for a picture
  });
}

// ---------------------------------------------------------------- time

function show(place) {
  current = Math.min(last, Math.max(0, place));
  $("slider").value = current;
  $("slider").setAttribute("aria-valuetext", `frame ${names[current]}`);
  $("place").textContent =
    `frame ${names[current]} (${current + 1}/${last + 1})\n${times[current].toFixed(2)} s`;
  document.querySelectorAll(".now").forEach((line) => {
    line.setAttribute("x1", current);
    line.setAttribute("x2", current);
  });
  document.querySelectorAll(".score").forEach((text, noun) => {
    const score = (scores[noun][current] / 1000).toFixed(2);
    text.textContent = found.drawn[noun][current] === "1" ? score : `not seen, ${score}`;
  });
  repaint();
}

function play(on) {
  const place = on && current === last ? 0 : current;
  clock = on ? { now: performance.now(), time: times[place] } : null;
  $("play").setAttribute("aria-label", on ? "Pause" : "Play");
  $("play").firstElementChild.firstElementChild.setAttribute(
    "d", on ? "M3 2h4v12H3zM9 2h4v12H9z" : "M4 2l10 6-10 6z");
  if (on) requestAnimationFrame(tick);
}

function tick(now) {
  if (!clock) return;
  let time = clock.time + Math.max(0, now - clock.now) / 1000;
  if (time >= times[last] + step) {
    time = times[0]; // again from the start
    clock = { now, time };
  }
  let place = time < times[current] ? 0 : current;
  while (place < last && times[place + 1] <= time) place++;
  if (place !== current) {
    show(place);
    for (let i = 1; i <= AHEAD; i++) load((place + i) % (last + 1));
  }
  requestAnimationFrame(tick);
}

function seek(place) {
  show(place);
  if (clock) clock = { now: performance.now(), time: times[current] };
}

// ---------------------------------------------------------------- nouns

function mark() {
  const shown = new Set(shownNouns());
  document.body.classList.toggle("chosen", hovered !== null || pinned.size > 0);
  document.querySelectorAll("[data-noun]").forEach((element) => {
    const noun = Number(element.dataset.noun);
    element.classList.toggle("shown", shown.has(noun));
    element.classList.toggle("pinned", pinned.has(noun) && element.classList.contains("noun"));
    if (element.hasAttribute("aria-pressed")) {
      element.setAttribute("aria-pressed", pinned.has(noun));
    }
  });
  repaint();
}

function hover(noun) {
  if (noun === hovered) return;
  hovered = noun;
  mark();
}

function pin(noun) {
  if (!pinned.delete(noun)) pinned.add(noun);
  hovered = null;
  mark();
}

const nounOf = (target) => {
  const element = target instanceof Element ? target.closest("[data-noun]") : null;
  return element ? Number(element.dataset.noun) : null;
};

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "mouse") hover(nounOf(event.target));
});
document.documentElement.addEventListener("pointerleave", () => hover(null));
document.addEventListener("focusin", (event) => {
  if (event.target.matches(":focus-visible")) hover(nounOf(event.target));
});
document.addEventListener("focusout", () => hover(null));
document.addEventListener("click", (event) => {
  const chart = event.target.closest(".chart");
  const noun = nounOf(event.target);
  if (!chart && noun !== null) pin(noun);
});
document.querySelectorAll(".chart").forEach((chart) => {
  const follow = (event) => {
    const box = chart.getBoundingClientRect();
    seek(Math.round(((event.clientX - box.left) / box.width) * last));
  };
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    follow(event);
  });
  chart.addEventListener("pointermove", (event) => {
    if (chart.hasPointerCapture(event.pointerId)) follow(event);
  });
});

$("play").addEventListener("click", () => play(!clock));
$("view").addEventListener("click", () => play(!clock));
$("slider").addEventListener("input", (event) => seek(Number(event.target.value)));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const far = event.shiftKey ? 10 : 1;
  const to = { ArrowRight: current + far, ArrowLeft: current - far, Home: 0, End: last }[event.key];
  const noun = event.target.matches("span.noun") ? nounOf(event.target) : null;
  if (to !== undefined) seek(to);
  else if (event.key === "Escape") { pinned.clear(); hovered = null; mark(); }
  else if (noun !== null && (event.key === "Enter" || event.key === " ")) pin(noun);
  else if (event.key === " " && !event.target.matches("button")) play(!clock);
  else return;
  event.preventDefault();
});

// ---------------------------------------------------------------- charts

function drawChart(chart, noun) {
  const at = (place, score) => `${place} ${(100 - score / 10).toFixed(1)}`;
  chart.setAttribute("viewBox", `0 -4 ${last || 1} 108`);
  chart.querySelector(".curve").setAttribute(
    "d", "M" + scores[noun].map((score, place) => at(place, score)).join("L"));
  let area = "";
  for (let place = 0; place <= last; place++) {
    if (found.drawn[noun][place] !== "1") continue;
    const first = place, top = [];
    for (; place <= last && found.drawn[noun][place] === "1"; place++) {
      top.push(at(place, scores[noun][place]));
    }
    // Half a frame on both sides: a mask on a single frame is seen as well.
    const left = at(first - 0.5, scores[noun][first]);
    const right = at(place - 0.5, scores[noun][place - 1]);
    area += `M${first - 0.5} 104L${[left, ...top, right].join("L")}L${place - 0.5} 104Z`;
  }
  chart.querySelector(".area").setAttribute("d", area);
}

$("slider").max = last;
document.querySelectorAll(".chart").forEach(drawChart);
mark();
show(0);
