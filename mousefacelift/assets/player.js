// Plays a sequence of Gaussians (.4dgs) on a page, from disk: format and page in nbs/core/reconstruction/11_player.ipynb.
(() => {
const CHANNELS = 14; // x y z, w x y z, three log scales, opacity, r g b
const C = { x: 0, q: 3, s: 7, o: 10, c: 11 };

async function unpack(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// whole numbers of each channel, instant and Gaussian: planes of bytes of zigzag differences in time, added up
function wholes(raw, frames, n) {
  const size = CHANNELS * frames * n, out = new Int32Array(size);
  for (let c = 0, i = 0; c < CHANNELS; c++)
    for (let t = 0; t < frames; t++)
      for (let g = 0; g < n; g++, i++) {
        const z = raw[i] | raw[i + size] << 8 | raw[i + 2 * size] << 16;
        out[i] = (z >>> 1 ^ -(z & 1)) + (t ? out[i - n] : 0);
      }
  return out;
}

class Sequence {
  constructor(bytes) {
    const length = new DataView(bytes.buffer).getUint32(4, true);
    Object.assign(this, JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))));
    this.data = bytes.subarray(8 + length);
    this.cache = new Map();
    let first = 0, offset = 0;
    for (const chunk of this.chunks) {
      Object.assign(chunk, { first, offset });
      first += chunk.frames; offset += chunk.bytes;
    }
  }
  chunkOf(t) { return this.chunks.findIndex(c => t < c.first + c.frames); }
  load(k) { // a promise of the numbers of chunk k; three are kept
    const chunk = this.chunks[k];
    if (!chunk || this.cache.has(k)) return chunk && this.cache.get(k);
    if (this.cache.size > 2) this.cache.delete(this.cache.keys().next().value);
    const packed = this.data.subarray(chunk.offset, chunk.offset + chunk.bytes);
    const ready = unpack(packed).then(raw => wholes(raw, chunk.frames, chunk.gaussians));
    this.cache.set(k, ready);
    return ready;
  }
  async frame(t) {
    const k = this.chunkOf(t), chunk = this.chunks[k], numbers = await this.load(k);
    if (t - chunk.first > chunk.frames / 2) this.load(k + 1);
    const n = chunk.gaussians, out = new Float32Array(n * CHANNELS);
    for (let c = 0; c < CHANNELS; c++) {
      const from = (c * chunk.frames + t - chunk.first) * n;
      for (let g = 0; g < n; g++) out[g * CHANNELS + c] = numbers[from + g] * this.steps[c];
    }
    return out;
  }
}

const VERTEX = `#version 300 es
uniform vec2 size; in vec2 corner; in vec2 middle; in vec3 conic; in vec2 reach; in vec4 rgba;
out vec2 off; flat out vec3 k; flat out vec4 colour;
void main() {
  off = corner * reach; k = conic; colour = rgba;
  vec2 at = (middle + off) / size * 2. - 1.;
  gl_Position = vec4(at.x, -at.y, 0, 1);
}`;
const FRAGMENT = `#version 300 es
precision highp float; in vec2 off; flat in vec3 k; flat in vec4 colour; out vec4 shown;
void main() {
  float a = min(.99, colour.a * exp(-.5 * (k.x * off.x * off.x + k.z * off.y * off.y) - k.y * off.x * off.y));
  if (a < 1. / 255.) discard;
  shown = vec4(colour.rgb * a, a);
}`;
const FIELDS = [['middle', 2], ['conic', 3], ['reach', 2], ['rgba', 4]], ROW = 11;

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
    const attribute = (name, n, stride, offset, each) => {
      const at = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, n, gl.FLOAT, false, stride, offset); gl.vertexAttribDivisor(at, each);
    };
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    attribute('corner', 2, 0, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    let offset = 0;
    for (const [name, n] of FIELDS) { attribute(name, n, 4 * ROW, offset, 1); offset += 4 * n; }
    gl.enable(gl.BLEND); gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }
  // view: rows of the 3x4 from the file's coordinates to the camera's (x right, y down, z ahead); focal in pixels
  draw(cloud, view, focal) {
    const { gl, canvas } = this, n = cloud.length / CHANNELS, [w, h] = [canvas.width, canvas.height];
    const depth = new Float32Array(n), seen = [];
    for (let g = 0; g < n; g++) {
      const i = g * CHANNELS, x = cloud[i], y = cloud[i + 1], z = cloud[i + 2];
      depth[g] = view[8] * x + view[9] * y + view[10] * z + view[11];
      if (depth[g] > .05 && cloud[i + C.o] >= 1 / 255) seen.push(g);
    }
    seen.sort((a, b) => depth[b] - depth[a]);
    const rows = new Float32Array(seen.length * ROW);
    let r = 0;
    for (const g of seen) {
      const i = g * CHANNELS, z = depth[g], x = cloud[i], y = cloud[i + 1], zz = cloud[i + 2];
      const cx = view[0] * x + view[1] * y + view[2] * zz + view[3];
      const cy = view[4] * x + view[5] * y + view[6] * zz + view[7];
      let [qw, qx, qy, qz] = cloud.subarray(i + C.q, i + C.q + 4);
      const norm = Math.hypot(qw, qx, qy, qz) || 1;
      qw /= norm; qx /= norm; qy /= norm; qz /= norm;
      const R = [1 - 2 * (qy * qy + qz * qz), 2 * (qx * qy - qw * qz), 2 * (qx * qz + qw * qy),
        2 * (qx * qy + qw * qz), 1 - 2 * (qx * qx + qz * qz), 2 * (qy * qz - qw * qx),
        2 * (qx * qz - qw * qy), 2 * (qy * qz + qw * qx), 1 - 2 * (qx * qx + qy * qy)];
      let a = .3, b = 0, c = .3; // px^2: the blur that 3DGS adds
      for (let k = 0; k < 3; k++) {
        const s = Math.exp(cloud[i + C.s + k]);
        const ax = s * (view[0] * R[k] + view[1] * R[3 + k] + view[2] * R[6 + k]);
        const ay = s * (view[4] * R[k] + view[5] * R[3 + k] + view[6] * R[6 + k]);
        const az = s * (view[8] * R[k] + view[9] * R[3 + k] + view[10] * R[6 + k]);
        const p = focal / z * (ax - az * cx / z), q = focal / z * (ay - az * cy / z);
        a += p * p; b += p * q; c += q * q;
      }
      const det = a * c - b * b, opacity = Math.min(1, cloud[i + C.o]);
      const sigmas = Math.sqrt(2 * Math.log(Math.max(1, opacity * 255)));
      rows.set([focal * cx / z + w / 2, focal * cy / z + h / 2, c / det, -b / det, a / det,
        sigmas * Math.sqrt(a), sigmas * Math.sqrt(c),
        Math.max(0, cloud[i + C.c]), Math.max(0, cloud[i + C.c + 1]), Math.max(0, cloud[i + C.c + 2]), opacity], r);
      r += ROW;
    }
    gl.viewport(0, 0, w, h); gl.clearColor(1, 1, 1, 1); gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.size, w, h);
    gl.bufferData(gl.ARRAY_BUFFER, rows, gl.DYNAMIC_DRAW);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, seen.length);
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
    new ResizeObserver(() => {
      canvas.width = canvas.clientWidth * devicePixelRatio; canvas.height = canvas.clientHeight * devicePixelRatio;
      dirty = true;
    }).observe(canvas);
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
