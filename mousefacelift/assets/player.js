// Plays a sequence of Gaussians (.4dgs) on a page, from disk: format and page in nbs/core/reconstruction/11_player.ipynb.
(() => {
const CHANNELS = 14; // x y z, w x y z, three log scales, opacity, green, red - green, blue - green
const C = { x: 0, q: 3, s: 7, o: 10, c: 11 };
const MIN_SHARE = .1; // of the pixels, drawn while it plays on a slow machine
const VERSION = 2, NEAR = 4; // parts that a Gaussian belongs to

async function unpack(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// whole numbers: planes of bytes, zigzag
function wholes(raw) {
  const size = raw.length / 3, out = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const z = raw[i] | raw[i + size] << 8 | raw[i + 2 * size] << 16;
    out[i] = z >>> 1 ^ -(z & 1);
  }
  return out;
}

function rotation(w, x, y, z) { // rows of the matrix of a quaternion of any length
  const norm = Math.sqrt(w * w + x * x + y * y + z * z) || 1;
  w /= norm; x /= norm; y /= norm; z /= norm;
  return [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
    2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)];
}

class Chunk { // its instants, each made of the one before when it is first asked for
  constructor(numbers, { frames, gaussians, middles }, steps) {
    Object.assign(this, { n: gaussians, frames, parts: middles, steps });
    const parts = [middles, CHANNELS * gaussians, (frames - 1) * 6 * middles];
    let from = 0;
    [this.middles, this.first, this.moves, this.left] = [...parts, numbers.length].map(size => numbers.subarray(from, from += size));
    const now = new Float64Array(CHANNELS * gaussians); // channel by channel
    for (let c = 0; c < CHANNELS; c++)
      for (let g = 0, sum = 0; g < gaussians; g++) now[c * gaussians + g] = (sum += this.first[c * gaussians + g]) * steps.channels[c];
    this.now = now; this.made = [this.rows()];
    this.share();
  }
  rows() { // Gaussian by Gaussian, with red, green and blue
    const { n, now } = this, out = new Float32Array(n * CHANNELS);
    for (let c = 0; c < CHANNELS; c++) for (let g = 0; g < n; g++) out[g * CHANNELS + c] = now[c * n + g];
    for (let i = C.c; i < out.length; i += CHANNELS) {
      const green = out[i];
      out[i] = green + out[i + 1]; out[i + 1] = green; out[i + 2] += green;
    }
    return out;
  }
  share() { // the parts that each Gaussian belongs to, and how far
    const { n, now, middles, parts } = this, J = this.J = Math.min(NEAR, parts);
    const gap = (a, b) => Math.sqrt((now[a] - now[b]) ** 2 + (now[n + a] - now[n + b]) ** 2 + (now[2 * n + a] - now[2 * n + b]) ** 2);
    let reach = 0;
    for (const a of middles) {
      let least = Infinity;
      for (const b of middles) if (a !== b) least = Math.min(least, gap(a, b));
      reach += least / parts;
    }
    reach = Math.max(reach, 1e-12);
    this.near = new Int32Array(n * J); this.shares = new Float64Array(n * J);
    const far = new Float64Array(J), part = new Int32Array(J);
    for (let g = 0; g < n; g++) {
      far.fill(Infinity);
      for (let p = 0; p < parts; p++) {
        const distance = gap(g, middles[p]);
        if (distance >= far[J - 1]) continue;
        let j = J - 1;
        for (; j > 0 && far[j - 1] > distance; j--) { far[j] = far[j - 1]; part[j] = part[j - 1]; }
        far[j] = distance; part[j] = p;
      }
      let sum = 0;
      for (let j = 0; j < J; j++) sum += this.shares[g * J + j] = Math.exp(.5 * ((far[0] / reach) ** 2 - (far[j] / reach) ** 2));
      for (let j = 0; j < J; j++) { this.near[g * J + j] = part[j]; this.shares[g * J + j] /= sum; }
    }
  }
  advance() { // parts move, and what is left is added
    const { n, now, steps, parts, J, near, shares, middles, left, frames } = this, t = this.made.length - 1;
    const moves = this.moves.subarray(t * 6 * parts, (t + 1) * 6 * parts), POSE = 15, pose = new Float64Array(parts * POSE);
    for (let p = 0; p < parts; p++) { // x, y, z of the turn, its matrix, and where it takes the origin
      const at = axis => now[axis * n + middles[p]], q = [0, 1, 2].map(axis => moves[axis * parts + p] * steps.turns);
      const R = rotation(1, ...q);
      const to = [0, 1, 2].map(k => at(k) + moves[(3 + k) * parts + p] * steps.shifts - R[3 * k] * at(0) - R[3 * k + 1] * at(1) - R[3 * k + 2] * at(2));
      pose.set([...q, ...R, ...to], p * POSE);
    }
    const next = now.slice(), sum = new Float64Array(POSE);
    for (let g = 0; g < n; g++) {
      sum.fill(0);
      for (let j = 0; j < J; j++)
        for (let k = 0, share = shares[g * J + j], from = near[g * J + j] * POSE; k < POSE; k++) sum[k] += share * pose[from + k];
      const x = now[g], y = now[n + g], z = now[2 * n + g];
      for (let k = 0; k < 3; k++) next[k * n + g] = sum[3 + 3 * k] * x + sum[4 + 3 * k] * y + sum[5 + 3 * k] * z + sum[12 + k];
      const a = sum[0], b = sum[1], c = sum[2], qw = now[3 * n + g], qx = now[4 * n + g], qy = now[5 * n + g], qz = now[6 * n + g];
      const w = qw - a * qx - b * qy - c * qz, i = qx + a * qw + b * qz - c * qy, j = qy - a * qz + b * qw + c * qx, k = qz + a * qy - b * qx + c * qw;
      const norm = Math.sqrt(w * w + i * i + j * j + k * k);
      next[3 * n + g] = w / norm; next[4 * n + g] = i / norm; next[5 * n + g] = j / norm; next[6 * n + g] = k / norm;
    }
    for (let c = 0; c < CHANNELS; c++)
      for (let g = 0, from = (c * (frames - 1) + t) * n; g < n; g++) next[c * n + g] += left[from + g] * steps.channels[c];
    this.now = next; this.made.push(this.rows());
  }
  frame(t) {
    while (this.made.length <= t) this.advance();
    return this.made[t];
  }
}

class Sequence {
  constructor(bytes) {
    const length = new DataView(bytes.buffer).getUint32(4, true);
    Object.assign(this, JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))));
    if (this.version !== VERSION) throw new Error(`format ${this.version || 1}, not ${VERSION}`);
    this.data = bytes.subarray(8 + length);
    this.cache = new Map();
    let first = 0, offset = 0;
    for (const chunk of this.chunks) {
      Object.assign(chunk, { first, offset });
      first += chunk.frames; offset += chunk.bytes;
    }
  }
  chunkOf(t) { return this.chunks.findIndex(c => t < c.first + c.frames); }
  load(k) { // a promise of chunk k; three are kept
    const chunk = this.chunks[k];
    if (!chunk || this.cache.has(k)) return chunk && this.cache.get(k);
    if (this.cache.size > 2) this.cache.delete(this.cache.keys().next().value);
    const packed = this.data.subarray(chunk.offset, chunk.offset + chunk.bytes);
    const ready = unpack(packed).then(raw => new Chunk(wholes(raw), chunk, this.steps));
    this.cache.set(k, ready);
    return ready;
  }
  async frame(t) {
    const k = this.chunkOf(t), { first, frames } = this.chunks[k], chunk = await this.load(k);
    if (t - first > frames / 2) this.load(k + 1);
    return chunk.frame(t - first);
  }
}

// A quad lies along the axes of its ellipse, as wide as alpha is at least 1/255. Its numbers are texels:
// software that stands in for a graphics card draws instances one by one, and most of the time went there.
const WIDE = 512, ROW = 12; // Gaussians in a row of texels; middle, major axis, minor / major, sigmas, -, -, colour, opacity
const VERTEX = `#version 300 es
precision highp float; precision highp sampler2D;
uniform vec2 size; uniform sampler2D rows; out vec2 off; flat out vec4 colour;
void main() {
  int g = gl_VertexID / 6, v = gl_VertexID % 6, k = v < 3 ? v : v - 2; // two triangles of four corners
  ivec2 at = ivec2(g % ${WIDE} * 3, g / ${WIDE});
  vec4 ellipse = texelFetch(rows, at, 0), more = texelFetch(rows, at + ivec2(1, 0), 0);
  colour = texelFetch(rows, at + ivec2(2, 0), 0);
  off = (vec2(k & 1, k >> 1) * 2. - 1.) * more.y;
  vec2 place = (ellipse.xy + off.x * ellipse.zw + off.y * more.x * vec2(-ellipse.w, ellipse.z)) / size * 2. - 1.;
  gl_Position = vec4(place.x, -place.y, 0, 1);
}`;
const FRAGMENT = `#version 300 es
precision highp float; in vec2 off; flat in vec4 colour; out vec4 shown;
void main() {
  float a = min(.99, colour.a * exp(-.5 * dot(off, off)));
  if (a < 1. / 255.) discard;
  shown = vec4(colour.rgb * a, a);
}`;

function farthestFirst(depth, shown, number) { // the first `number` of `shown`, sorted by 65536 counted depths
  let least = Infinity, most = -Infinity;
  for (let k = 0; k < number; k++) { const z = depth[shown[k]]; least = Math.min(least, z); most = Math.max(most, z); }
  const to = 65535 / (most - least || 1), counts = new Uint32Array(65537), order = new Uint32Array(number);
  const place = g => (most - depth[g]) * to | 0;
  for (let k = 0; k < number; k++) counts[place(shown[k]) + 1]++;
  for (let k = 1; k < counts.length; k++) counts[k] += counts[k - 1];
  for (let k = 0; k < number; k++) order[counts[place(shown[k])]++] = shown[k];
  return order;
}

class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = this.gl = canvas.getContext('webgl2', { antialias: false });
    if (!gl) throw new Error('it has no WebGL 2');
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text); gl.compileShader(shader); gl.attachShader(program, shader);
    }
    gl.linkProgram(program); gl.useProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    this.size = gl.getUniformLocation(program, 'size');
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    gl.enable(gl.BLEND); gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }
  // view: rows of the 3x4 from the file's coordinates to the camera's (x right, y down, z ahead); focal in pixels
  draw(cloud, view, focal) {
    const { gl, canvas } = this, n = cloud.length / CHANNELS, [w, h] = [canvas.width, canvas.height];
    const depth = new Float32Array(n), shown = new Uint32Array(n);
    let number = 0;
    for (let g = 0; g < n; g++) {
      const i = g * CHANNELS, x = cloud[i], y = cloud[i + 1], z = cloud[i + 2];
      depth[g] = view[8] * x + view[9] * y + view[10] * z + view[11];
      if (depth[g] > .05 && cloud[i + C.o] >= 1 / 255) shown[number++] = g;
    }
    const high = Math.ceil(number / WIDE) || 1, rows = new Float32Array(high * WIDE * ROW);
    let r = 0;
    for (const g of farthestFirst(depth, shown, number)) {
      const i = g * CHANNELS, z = depth[g], x = cloud[i], y = cloud[i + 1], zz = cloud[i + 2];
      const cx = view[0] * x + view[1] * y + view[2] * zz + view[3];
      const cy = view[4] * x + view[5] * y + view[6] * zz + view[7];
      const R = rotation(cloud[i + C.q], cloud[i + C.q + 1], cloud[i + C.q + 2], cloud[i + C.q + 3]);
      let a = .3, b = 0, c = .3; // px^2: the blur that 3DGS adds
      for (let k = 0; k < 3; k++) {
        const s = Math.exp(cloud[i + C.s + k]);
        const ax = s * (view[0] * R[k] + view[1] * R[3 + k] + view[2] * R[6 + k]);
        const ay = s * (view[4] * R[k] + view[5] * R[3 + k] + view[6] * R[6 + k]);
        const az = s * (view[8] * R[k] + view[9] * R[3 + k] + view[10] * R[6 + k]);
        const p = focal / z * (ax - az * cx / z), q = focal / z * (ay - az * cy / z);
        a += p * p; b += p * q; c += q * q;
      }
      const opacity = Math.min(1, cloud[i + C.o]), half = Math.sqrt((a - c) ** 2 / 4 + b * b);
      const long = Math.sqrt((a + c) / 2 + half), angle = Math.atan2(2 * b, a - c) / 2;
      rows[r] = focal * cx / z + w / 2; rows[r + 1] = focal * cy / z + h / 2;
      rows[r + 2] = long * Math.cos(angle); rows[r + 3] = long * Math.sin(angle);
      rows[r + 4] = Math.sqrt(Math.max(.3, (a + c) / 2 - half)) / long;
      rows[r + 5] = Math.sqrt(2 * Math.log(Math.max(1, opacity * 255)));
      for (let k = 0; k < 3; k++) rows[r + 8 + k] = Math.max(0, cloud[i + C.c + k]);
      rows[r + 11] = opacity;
      r += ROW;
    }
    gl.viewport(0, 0, w, h); gl.clearColor(1, 1, 1, 1); gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.size, w, h);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, 3 * WIDE, high, 0, gl.RGBA, gl.FLOAT, rows);
    gl.drawArrays(gl.TRIANGLES, 0, 6 * number);
  }
}

class Pace { // the share of the pixels that are drawn while something moves: 1, or what thirty pictures a second allow
  constructor() { this.share = 1; this.start(); }
  start() { this.pictures = 0; this.from = performance.now(); }
  tick() {
    const spent = performance.now() - this.from, each = spent / ++this.pictures;
    if (this.pictures < 4 || spent < 150) return;
    if (each > 32) this.share = Math.max(MIN_SHARE, this.share * Math.max(.4, Math.min(.9, 26 / each)));
    else if (each < 20) this.share = Math.min(1, this.share * 1.1);
    this.start();
  }
}

// similarity: rows of the 3x4 to coordinates with the whole way in the unit ball, z up
function viewOf(similarity, turn, tilt, distance) {
  const [ct, st, cp, sp] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  const axes = [[-st, ct, 0], [sp * ct, sp * st, -cp], [-cp * ct, -cp * st, -sp]];
  const out = [];
  axes.forEach((axis, row) => {
    for (let j = 0; j < 4; j++) out.push(axis.reduce((sum, v, k) => sum + v * similarity[4 * k + j], 0));
    if (row === 2) out[11] += distance;
  });
  return out;
}

async function play(element, text) {
  const find = name => element.querySelector(name);
  const [canvas, slider, button, time] = ['canvas', 'input', 'button', 'output'].map(find);
  try {
    const bytes = Uint8Array.from(atob(text.trim()), c => c.charCodeAt(0));
    const sequence = new Sequence(bytes), painter = new Painter(canvas), last = sequence.times.length - 1;
    let turn = -Math.PI / 4, tilt = .35, distance = 2.7, playing = true, shown = -1, cloud = null, dirty = true;
    let clock = sequence.times[0], before = performance.now(), busy = false, drawn = 0, since = before;
    slider.max = last;
    const go = t => { clock = sequence.times[Math.max(0, Math.min(last, t))]; };
    const pause = to => { playing = to; button.textContent = playing ? '❚❚' : '▶'; button.ariaLabel = playing ? 'pause' : 'play'; };
    button.onclick = () => pause(!playing);
    slider.oninput = () => { pause(false); go(+slider.value); };
    addEventListener('keydown', e => {
      const keys = { ' ': () => pause(!playing), ArrowLeft: () => { pause(false); go(shown - 1); },
        ArrowRight: () => { pause(false); go(shown + 1); }, Home: () => go(0), End: () => { pause(false); go(last); } };
      if (keys[e.key]) { keys[e.key](); e.preventDefault(); }
    });
    const fingers = new Map();
    canvas.onpointerdown = e => { fingers.set(e.pointerId, e); canvas.setPointerCapture(e.pointerId); };
    canvas.onpointerup = canvas.onpointercancel = e => fingers.delete(e.pointerId);
    canvas.onpointermove = e => {
      const was = fingers.get(e.pointerId);
      if (!was) return;
      const other = [...fingers.values()].find(f => f.pointerId !== e.pointerId);
      if (other) {
        const gap = f => Math.hypot(f.clientX - other.clientX, f.clientY - other.clientY) || 1;
        zoom(gap(was) / gap(e));
      } else {
        turn -= (e.clientX - was.clientX) * .008;
        tilt = Math.max(-1.5, Math.min(1.5, tilt + (e.clientY - was.clientY) * .008));
      }
      fingers.set(e.pointerId, e); dirty = true;
    };
    const zoom = by => { distance = Math.max(.3, Math.min(12, distance * by)); dirty = true; };
    canvas.onwheel = e => { zoom(Math.exp(e.deltaY * .001)); e.preventDefault(); };
    const pace = new Pace();
    let moved = 0;
    const resize = share => { // whole when nothing moves
      const ratio = devicePixelRatio * Math.sqrt(share);
      const [w, h] = [canvas.clientWidth, canvas.clientHeight].map(side => Math.max(1, Math.round(side * ratio)));
      if (w !== canvas.width || h !== canvas.height) { canvas.width = w; canvas.height = h; dirty = true; }
    };
    new ResizeObserver(() => { dirty = true; }).observe(canvas);
    const at = seconds => { // the last instant that is not later
      let [low, high] = [0, last];
      while (low < high) { const m = (low + high + 1) >> 1; if (sequence.times[m] <= seconds + 1e-6) low = m; else high = m - 1; }
      return low;
    };
    const tick = async now => {
      requestAnimationFrame(tick);
      if (playing) clock += (now - before) / 1000;
      before = now;
      if (clock > sequence.times[last] + sequence.step) clock = sequence.times[0];
      const t = at(clock);
      if (t !== shown && !busy) {
        busy = true; cloud = await sequence.frame(t); busy = false;
        shown = t; dirty = true; slider.value = t; drawn++;
        time.textContent = `${sequence.times[t].toFixed(2)} s`;
      }
      if (dirty) moved = now;
      const moving = playing || now - moved < 250;
      if (moving) pace.tick(); else pace.start();
      resize(moving ? pace.share : 1);
      if (dirty && cloud) {
        const focal = Math.min(canvas.width, canvas.height) * 703.36 / 512;
        painter.draw(cloud, viewOf(sequence.similarity, turn, tilt, distance), focal);
        dirty = false;
      }
      if (now - since > 2000) { element.dataset.fps = (drawn / (now - since) * 1000).toFixed(1); drawn = 0; since = now; }
    };
    pause(playing);
    requestAnimationFrame(tick);
  } catch (e) {
    time.textContent = `This browser cannot play the sequence (${e.message}).`;
  }
}
window.mousefacelift4d = { play, Sequence };
})();
