// A drawn map that moves: zoom and pan by buttons, wheel, keys and fingers, and markers that gather anew at every zoom.
// The numbers and rules are those of tripper_assets/domain/map_view.py and map_picture.py.

const TILE = 256;
const BLOCK = 512;
const APART = 42;
const FARTHEST = 1;
const CLOSEST = 17;
const FIRST = 12;
const MARGIN = 48;
const EARTH_KM = 6371;
const STEP = 90;
const BESIDE = 18;
const MOST_MARKERS = 400;
const SVG = "http://www.w3.org/2000/svg";

const bounded = (value, least, most) => Math.min(Math.max(value, least), most);
const turned = (x) => ((x % 1) + 1) % 1;

function project(latitude, longitude) {
  const held = (bounded(latitude, -85.0511, 85.0511) * Math.PI) / 180;
  return { x: turned(longitude / 360 + 0.5), y: bounded(0.5 - Math.asinh(Math.tan(held)) / (2 * Math.PI), 0, 1) };
}

const latitudeOf = (y) => Math.atan(Math.sinh(Math.PI * (1 - 2 * y)));

// The shortest part of the way around the Earth that holds all points.
function shortestArc(numbers) {
  const found = [...new Set(numbers)].sort((a, b) => a - b);
  let widest = 0;
  let gap = -1;
  found.forEach((one, index) => {
    const apart = (index + 1 < found.length ? found[index + 1] : found[0] + 1) - one;
    if (apart > gap) [widest, gap] = [index, apart];
  });
  return { west: found[(widest + 1) % found.length], wide: Math.max(1 - gap, 0) };
}

function fitting(places, width, height) {
  if (!places.length) return { x: 0.5, y: 0.5, zoom: 1 };
  const { west, wide } = shortestArc(places.map((one) => one.x));
  const downs = places.map((one) => one.y);
  const [north, south] = [Math.min(...downs), Math.max(...downs)];
  const zoomFor = (extent, room) => (extent <= 0 ? CLOSEST : Math.floor(Math.log2(Math.max(room, 1) / TILE / extent)));
  const zoom = Math.min(zoomFor(wide, width - 2 * MARGIN), zoomFor(south - north, height - 2 * MARGIN), FIRST);
  return { x: turned(west + wide / 2), y: (north + south) / 2, zoom: bounded(zoom, FARTHEST, CLOSEST) };
}

// A point goes to the first marker near it; points come from west to east.
function clusters(points, zoom) {
  const side = TILE * 2 ** zoom;
  const near = (APART / side) ** 2;
  const cells = new Map();
  const found = [];
  for (const point of points) {
    const column = Math.floor((point.x * side) / APART);
    const row = Math.floor((point.y * side) / APART);
    let own;
    for (let across = -1; across <= 1 && !own; across += 1) {
      for (let down = -1; down <= 1 && !own; down += 1) {
        own = (cells.get(`${column + across},${row + down}`) ?? []).find(
          (one) => (one.x - point.x) ** 2 + (one.y - point.y) ** 2 < near,
        );
      }
    }
    if (own) {
      own.points.push(point);
    } else {
      own = { x: point.x, y: point.y, points: [point] };
      const key = `${column},${row}`;
      cells.set(key, [...(cells.get(key) ?? []), own]);
      found.push(own);
    }
  }
  return found;
}

function label(points) {
  const names = points.slice(0, 3).map((one) => one.name);
  const more = points.length - names.length;
  const said = names.join(", ") + (more ? ` and ${more} more` : "");
  return points.length === 1 ? said : `${points.length} here: ${said}`;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const grounds = new Map();

function groundOf(base, zoom, column, row) {
  const address = `${base}${zoom}/${column}/${row}`;
  if (!grounds.has(address)) {
    const answer = fetch(address, { headers: { Accept: "application/json" } })
      .then((found) => (found.ok ? found.json() : null))
      .catch(() => null);
    grounds.set(address, answer);
    answer.then((found) => found ?? grounds.delete(address));
    if (grounds.size > 60) grounds.delete(grounds.keys().next().value);
  }
  return grounds.get(address);
}

class LiveMap {
  constructor(figure, given) {
    this.figure = figure;
    this.given = given;
    this.svg = figure.querySelector(".map-picture");
    this.layers = Object.fromEntries(
      ["tiles", "ground", "markers", "scale"].map((name) => [name, figure.querySelector(`.map-${name}`)]),
    );
    this.circle = figure.querySelector(".map-circle");
    this.chosen = figure.querySelector(".map-chosen");
    this.base = figure.dataset.grounds || "/maps/";
    this.fingers = new Map();
    this.ground = null;
    this.turnedBy = 0;
    this.readPoints();
    this.measure();
    Object.assign(this, this.whole());
    this.listen();
    figure.classList.add("map-live");
    figure.querySelector(".map-tools").hidden = false;
    figure.querySelector(".map-hint").hidden = false;
    this.svg.setAttribute("tabindex", "0");
    new ResizeObserver(() => this.measure() && this.draw()).observe(this.svg);
    this.draw();
  }

  listed() {
    const found = document.querySelectorAll(`#${CSS.escape(this.figure.id)} [data-map-point], [data-map-of="${CSS.escape(this.figure.id)}"]`);
    return [...found].map((one) => {
      const { mapPoint: id, latitude, longitude, mapName } = one.dataset;
      return { id, latitude, longitude, name: mapName ?? one.textContent.trim(), href: one.getAttribute("href") ?? one.dataset.href };
    });
  }

  readPoints() {
    const seen = new Map();
    for (const { id, name, href, latitude, longitude } of this.given ?? this.listed()) {
      const place = project(Number(latitude), Number(longitude));
      if (id && Number.isFinite(place.x) && Number.isFinite(place.y) && !seen.has(id)) seen.set(id, { id, name, href, ...place });
    }
    this.points = [...seen.values()].sort((a, b) => a.x - b.x || a.y - b.y || (a.id < b.id ? -1 : 1));
    return this.points.length;
  }

  measure() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    const changed = width > 0 && (width !== this.width || height !== this.height);
    this.width = width || this.width || 520;
    this.height = height || this.height || 360;
    return changed;
  }

  around() {
    const { latitude, longitude, radiusKm } = this.figure.dataset;
    return latitude === undefined ? null : { ...project(Number(latitude), Number(longitude)), kilometres: Number(radiusKm) };
  }

  whole() {
    const around = this.around();
    return fitting([...this.points, ...(around ? [around] : [])], this.width, this.height);
  }

  get side() {
    return TILE * 2 ** this.zoom;
  }

  place(one) {
    const x = one.x - Math.floor(one.x - this.x + 0.5);
    return [(x - this.x) * this.side + this.width / 2, (one.y - this.y) * this.side + this.height / 2];
  }

  move(across, down) {
    this.x = turned(this.x + across / this.side);
    this.y = bounded(this.y + down / this.side, 0, 1);
    this.draw();
  }

  // What lies at a pixel of the picture stays there.
  zoomTo(zoom, across = this.width / 2, down = this.height / 2) {
    const wanted = bounded(zoom, FARTHEST, CLOSEST);
    if (wanted === this.zoom) return;
    const shift = 1 / this.side - 1 / (TILE * 2 ** wanted);
    this.x = turned(this.x + (across - this.width / 2) * shift);
    this.y = bounded(this.y + (down - this.height / 2) * shift, 0, 1);
    this.zoom = wanted;
    this.draw();
  }

  show(view) {
    Object.assign(this, view);
    this.draw();
  }

  draw() {
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.figure.dataset.zoom = this.zoom;
    this.hideChosen();
    this.drawGround();
    this.drawCircle();
    this.drawMarkers();
    this.drawScale();
  }

  drawGround() {
    const west = this.x * this.side - this.width / 2;
    const north = this.y * this.side - this.height / 2;
    if (this.figure.dataset.tiles) {
      this.drawTiles(west, north);
      return;
    }
    const column = Math.floor((this.x * this.side) / BLOCK);
    const row = Math.floor((this.y * this.side) / BLOCK);
    if (this.ground) {
      // Until its own ground is there, a new zoom shows the last one larger or smaller, without the names.
      const times = 2 ** (this.zoom - this.ground.zoom);
      const place = `translate(${this.ground.west * times - west} ${this.ground.north * times - north})`;
      this.layers.ground.setAttribute("transform", times === 1 ? place : `${place} scale(${times})`);
      this.layers.ground.classList.toggle("map-stale", times !== 1);
    }
    const wanted = `${this.zoom}/${column}/${row}`;
    if (this.wanted === wanted) return;
    this.wanted = wanted;
    groundOf(this.base, this.zoom, column, row).then((found) => {
      if (this.wanted !== wanted) return;
      if (!found) {
        this.wanted = null;
        return;
      }
      this.ground = { ...found, zoom: this.zoom };
      this.layers.ground.replaceChildren(
        element("path", { class: "map-land", "fill-rule": "evenodd", d: found.land }),
        ...found.towns.map((town) => {
          const name = element("text", { x: 5, y: 4 });
          name.textContent = town.name;
          return element("g", { class: "map-town", "aria-hidden": "true", transform: `translate(${town.x} ${town.y})` }, element("circle", { r: 2 }), name);
        }),
      );
      this.drawGround();
      this.nameTowns();
    });
  }

  drawTiles(west, north) {
    const made = [];
    for (let row = Math.max(Math.floor(north / TILE), 0); row <= Math.min(Math.floor((north + this.height) / TILE), 2 ** this.zoom - 1); row += 1) {
      for (let column = Math.floor(west / TILE); column <= Math.floor((west + this.width) / TILE); column += 1) {
        const across = ((column % 2 ** this.zoom) + 2 ** this.zoom) % 2 ** this.zoom;
        const href = this.figure.dataset.tiles.replaceAll("{z}", this.zoom).replaceAll("{x}", across).replaceAll("{y}", row);
        const box = { x: Math.round(column * TILE - west), y: Math.round(row * TILE - north), width: TILE, height: TILE };
        made.push(element("image", { href, ...box }));
      }
    }
    this.layers.tiles.replaceChildren(...made);
  }

  drawCircle() {
    const around = this.around();
    if (!around || !this.circle) return;
    const [x, y] = this.place(around);
    const pixel = (2 * Math.PI * EARTH_KM * Math.cos(latitudeOf(around.y))) / this.side;
    this.circle.setAttribute("cx", x);
    this.circle.setAttribute("cy", y);
    this.circle.setAttribute("r", around.kilometres / pixel);
  }

  drawMarkers() {
    if (this.gatheredAt !== this.zoom) {
      this.gathered = clusters(this.points, this.zoom);
      this.gatheredAt = this.zoom;
    }
    const shown = [];
    for (const cluster of this.gathered) {
      const [x, y] = this.place(cluster);
      const isSeen = x > -30 && y > -30 && x < this.width + 30 && y < this.height + 30;
      if (isSeen && shown.length < MOST_MARKERS) shown.push(this.marker(cluster, x, y));
    }
    const focused = this.layers.markers.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
    this.layers.markers.replaceChildren(...shown);
    this.nameTowns();
    if (focused) (shown.find((one) => one.getAttribute("aria-label") === focused) ?? this.svg).focus();
    this.svg.setAttribute("aria-label", `Map of ${this.points.length} ${this.points.length === 1 ? "activity" : "activities"}`);
  }

  marker(cluster, x, y) {
    const { points } = cluster;
    const count = points.length;
    const title = element("title");
    title.textContent = label(points);
    const radius = count === 1 ? 9 : 13 + Math.min(String(count).length * 2, 8);
    const inner = element(count === 1 ? "circle" : "text", count === 1 ? { class: "map-dot", r: 3 } : { dy: "0.35em" });
    if (count > 1) inner.textContent = count;
    const made = element(
      "a",
      { class: `map-marker${count > 1 ? " map-cluster" : ""}`, href: points[0].href, "aria-label": label(points), transform: `translate(${x} ${y})` },
      title,
      element("circle", { r: radius }),
      inner,
    );
    if (count > 1) {
      made.addEventListener("click", (event) => {
        event.preventDefault();
        this.open(cluster);
      });
    }
    return made;
  }

  // A name begins beside the marker that stands on its town.
  nameTowns() {
    if (this.ground?.zoom !== this.zoom) return;
    const west = this.ground.west - (this.x * this.side - this.width / 2);
    const north = this.ground.north - (this.y * this.side - this.height / 2);
    const markers = this.gathered.map((cluster) => this.place(cluster));
    this.layers.ground.querySelectorAll(".map-town").forEach((made, number) => {
      const town = this.ground.towns[number];
      const isMarked = markers.some(([x, y]) => Math.abs(x - west - town.x) < BESIDE && Math.abs(y - north - town.y) < BESIDE);
      made.querySelector("text").setAttribute("x", isMarked ? 22 : 5);
    });
  }

  // A cluster is shown nearer until it falls apart; what stands at one place is told as a list.
  open(cluster) {
    for (let zoom = this.zoom + 1; zoom <= CLOSEST; zoom += 1) {
      if (clusters(cluster.points, zoom).length > 1) {
        const view = fitting(cluster.points, this.width, this.height);
        this.show({ ...view, zoom: Math.max(bounded(view.zoom, zoom, CLOSEST), zoom) });
        this.svg.focus({ preventScroll: true });
        return;
      }
    }
    this.chosen.replaceChildren(
      ...cluster.points.slice(0, 30).map((one) => {
        const link = document.createElement("a");
        link.href = one.href;
        link.textContent = one.name;
        return link;
      }),
    );
    this.chosen.hidden = false;
  }

  hideChosen() {
    this.chosen.hidden = true;
  }

  drawScale() {
    const most = ((2 * Math.PI * EARTH_KM * Math.cos(latitudeOf(this.y))) / this.side) * 110;
    const power = 10 ** Math.floor(Math.log10(most));
    const kilometres = [5, 2, 1].map((step) => step * power).find((one) => one <= most) ?? power;
    const length = (kilometres / most) * 110;
    this.layers.scale.setAttribute("transform", `translate(10 ${this.height - 12})`);
    this.layers.scale.querySelector("path").setAttribute("d", `M0 -5v5h${length}v-5`);
    this.layers.scale.querySelector("text").textContent =
      kilometres >= 1 ? `${Number(kilometres.toPrecision(3))} km` : `${Number((kilometres * 1000).toPrecision(3))} m`;
  }

  listen() {
    this.figure.addEventListener("click", (event) => {
      const wanted = event.target.closest("[data-map-do]")?.dataset.mapDo;
      if (wanted === "in") this.zoomTo(this.zoom + 1);
      if (wanted === "out") this.zoomTo(this.zoom - 1);
      if (wanted === "all") this.show(this.whole());
    });
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.svg.addEventListener("dblclick", (event) => this.zoomTo(this.zoom + 1, event.offsetX, event.offsetY));
    this.svg.addEventListener("dragstart", (event) => event.preventDefault());
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    this.svg.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) this.svg.addEventListener(name, (event) => this.release(event));
    // The click that ends a drag opens nothing.
    this.svg.addEventListener(
      "click",
      (event) => {
        if (!this.dragged) return;
        event.preventDefault();
        event.stopPropagation();
        this.dragged = false;
      },
      true,
    );
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    if (moves[event.key]) this.move(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomTo(this.zoom + 1);
    else if (event.key === "-") this.zoomTo(this.zoom - 1);
    else if (event.key === "0" || event.key === "Home") this.show(this.whole());
    else if (event.key === "Escape") this.hideChosen();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The page scrolls over a map that nobody chose.
  wheel(event) {
    if (!event.ctrlKey && !this.figure.contains(document.activeElement)) return;
    event.preventDefault();
    this.turnedBy += event.deltaMode ? event.deltaY * 30 : event.deltaY;
    if (Math.abs(this.turnedBy) < 60) return;
    const box = this.svg.getBoundingClientRect();
    this.zoomTo(this.zoom - Math.sign(this.turnedBy), event.clientX - box.left, event.clientY - box.top);
    this.turnedBy = 0;
  }

  press(event) {
    if (event.button) return;
    this.dragged = false;
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.apart = this.fingersApart();
  }

  drag(event) {
    const last = this.fingers.get(event.pointerId);
    if (!last) return;
    const [across, down] = [event.clientX - last.x, event.clientY - last.y];
    if (!this.dragged && Math.hypot(across, down) < 4) return;
    if (!this.dragged) this.svg.setPointerCapture(event.pointerId);
    this.dragged = true;
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.fingers.size === 1) this.move(-across, -down);
    else this.pinch();
  }

  fingersApart() {
    const [one, other] = [...this.fingers.values()];
    return other ? Math.hypot(one.x - other.x, one.y - other.y) : 0;
  }

  pinch() {
    const apart = this.fingersApart();
    const ratio = apart / (this.apart || apart || 1);
    if (ratio < 1.5 && ratio > 0.67) return;
    const [one, other] = [...this.fingers.values()];
    const box = this.svg.getBoundingClientRect();
    this.apart = apart;
    this.zoomTo(this.zoom + (ratio > 1 ? 1 : -1), (one.x + other.x) / 2 - box.left, (one.y + other.y) / 2 - box.top);
  }

  release(event) {
    this.fingers.delete(event.pointerId);
    this.apart = this.fingersApart();
  }
}

const maps = new WeakMap();

// Of a map that has more points than its list: until they are there, and where they do not come, its picture stays as it is.
async function start(figure) {
  maps.set(figure, null);
  const answer = await fetch(figure.dataset.points, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok || !figure.isConnected) return;
  const { base, points } = await answer.json();
  const href = (id) => (document.getElementById(`a-${id}`) ? `#a-${id}` : base + id);
  const given = points.map(([id, name, latitude, longitude]) => ({ id, name, latitude, longitude, href: href(id) }));
  maps.set(figure, new LiveMap(figure, given));
}

function wake() {
  for (const figure of document.querySelectorAll("[data-map]")) {
    const live = maps.get(figure);
    if (live === undefined) {
      if (figure.dataset.points) start(figure);
      else maps.set(figure, new LiveMap(figure));
    } else if (live && live.points.length !== live.readPoints()) {
      live.gatheredAt = null;
      live.show(live.whole());
    }
  }
}

wake();
document.addEventListener("htmx:afterSettle", wake);
