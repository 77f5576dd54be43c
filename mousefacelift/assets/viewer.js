// Shows splats in every `.mousefacelift-viewer` of a page. The page, and what it holds: nbs/core/reconstruction/02_viewer.ipynb.
// three and Spark come with spark.js. Coordinates are those of the page: the subject in the unit ball, z up.
'use strict';
(() => {
const OPENING = 40; // degrees, of the narrower side
const FIRST = [1, -1, .7], DISTANCE = 2.7; // where the viewer stands at first
const ROLES = { input: '#0b7dc4', 'held out': '#d9660a', camera: '#808080' };
const LINE = '#d9660a'; // between two results
const CHANNELS = ['colour', 'opacity', 'depth', 'normals'];
const ON_BLACK = ['opacity', 'depth'];
const STEP = 6; // degrees that an arrow key turns
const LABEL = 26; // pixels, the height of a camera's

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
}

// ---- splats

class Result { // one cloud, in a scene of its own, for results that are compared are drawn one beside the other
  constructor(renderer, { spz }, range) {
    const { Scene, SparkRenderer, SplatMesh } = spark;
    this.scene = new Scene();
    // 3DGS blurs each splat by 0.3 px^2 without lowering its opacity and sorts by depth
    this.scene.add(new SparkRenderer({
      renderer, preBlurAmount: .3, blurAmount: 0, sortRadial: false, maxStdDev: Math.sqrt(11),
    }));
    this.mesh = new SplatMesh({ fileBytes: bytesOf(spz), fileType: 'spz', extSplats: true });
    this.mesh.rotation.x = Math.PI; // axes of a .spz: right, up, back
    this.mesh.enableWorldToView = true;
    this.scene.add(this.mesh);
    this.range = range;
  }
  paint(channel) { // the colours of its splats
    const { dyno, modifiers } = spark, { worldToView } = this.mesh.context;
    this.mesh.worldModifier = {
      colour: () => undefined,
      opacity: () => whiteModifier(),
      depth: () => modifiers.makeDepthColorModifier(worldToView, ...this.range, dyno.dynoConst('bool', true)),
      normals: () => modifiers.makeNormalColorModifier(worldToView),
    }[channel]();
    this.mesh.updateGenerator();
  }
}

function whiteModifier() {
  const { dyno } = spark;
  return dyno.dynoBlock({ gsplat: dyno.Gsplat }, { gsplat: dyno.Gsplat }, ({ gsplat }) => {
    const white = dyno.dynoConst('float', 1);
    return { gsplat: dyno.combineGsplat({ gsplat, r: white, g: white, b: white }) };
  });
}

// ---- cameras

function cameraLines({ centre, corners }, colour) {
  const { BufferGeometry, Float32BufferAttribute, LineBasicMaterial, LineSegments } = spark;
  const points = [];
  corners.forEach((corner, k) => points.push(centre, corner, corner, corners[(k + 1) % 4]));
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new Float32BufferAttribute(points.flat(), 3));
  return new LineSegments(geometry, new LineBasicMaterial({ color: colour }));
}

function cameraPicture({ corners, picture }) {
  const { BufferGeometry, DoubleSide, Float32BufferAttribute, Mesh, MeshBasicMaterial, SRGBColorSpace, TextureLoader } = spark;
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new Float32BufferAttribute(corners.flat(), 3));
  geometry.setAttribute('uv', new Float32BufferAttribute([0, 1, 1, 1, 1, 0, 0, 0], 2)); // corners from the upper left, clockwise
  geometry.setIndex([0, 1, 2, 0, 2, 3]);
  const map = new TextureLoader().load(picture);
  map.colorSpace = SRGBColorSpace;
  return new Mesh(geometry, new MeshBasicMaterial({ map, side: DoubleSide, polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 }));
}

function cameraLabel({ name, role, centre }, colour) {
  const { CanvasTexture, Sprite, SpriteMaterial, SRGBColorSpace } = spark;
  const canvas = make('canvas', { width: 512, height: 96 }), drawing = canvas.getContext('2d');
  drawing.font = '600 52px system-ui, sans-serif';
  const text = role === 'camera' ? name : `${name}: ${role}`, width = Math.min(500, drawing.measureText(text).width + 40);
  drawing.fillStyle = colour;
  drawing.beginPath(); drawing.roundRect(256 - width / 2, 8, width, 80, 16); drawing.fill();
  drawing.fillStyle = '#fff'; drawing.textAlign = 'center'; drawing.textBaseline = 'middle';
  drawing.fillText(text, 256, 50, 470);
  const map = new CanvasTexture(canvas);
  map.colorSpace = SRGBColorSpace;
  const sprite = new Sprite(new SpriteMaterial({ map, depthTest: false, sizeAttenuation: false }));
  sprite.position.set(...centre);
  sprite.center.set(.5, -.2);
  sprite.onBeforeRender = (renderer, scene, { fov }) => { // as high in pixels wherever it is
    const height = LABEL * 2 * Math.tan(spark.MathUtils.degToRad(fov / 2)) / renderer.getSize(new spark.Vector2()).y;
    sprite.scale.set(height * 512 / 96, height, 1);
  };
  return sprite;
}

function cameraGroup(cameras) {
  const group = new spark.Group();
  for (const camera of cameras) {
    const colour = ROLES[camera.role];
    group.add(cameraLines(camera, colour), cameraLabel(camera, colour));
    if (camera.picture) group.add(cameraPicture(camera));
  }
  return group;
}

// ---- the viewer's own place

class Eye { // turned by a drag, a thumb or a key; two fingers or a wheel bring it closer
  constructor(canvas, whole) {
    this.camera = new spark.PerspectiveCamera(OPENING, 1, .01, 1000);
    this.camera.up.set(0, 0, 1);
    this.controls = new spark.OrbitControls(this.camera, canvas);
    this.controls.enableDamping = true;
    this.controls.autoRotate = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.controls.addEventListener('start', () => this.stop());
    this.controls.minDistance = .2;
    this.controls.maxDistance = 500;
    if (!whole) { // within a longer page: a thumb scrolls it up and down, and so does a wheel until the picture is chosen
      canvas.style.touchAction = 'pan-y';
      this.controls.enableZoom = false;
      canvas.addEventListener('focus', () => { this.controls.enableZoom = true; });
      canvas.addEventListener('blur', () => { this.controls.enableZoom = false; });
    }
    canvas.addEventListener('pointerdown', () => canvas.focus({ preventScroll: true }));
    canvas.addEventListener('keydown', event => this.key(event));
    this.home(DISTANCE);
  }
  stop() { this.controls.autoRotate = false; }
  home(distance) {
    this.start = distance;
    this.controls.target.set(0, 0, 0);
    this.camera.position.set(...FIRST).setLength(distance);
  }
  resize(width, height) {
    const aspect = width / height, half = Math.tan(spark.MathUtils.degToRad(OPENING / 2));
    this.camera.aspect = aspect;
    this.camera.fov = 2 * spark.MathUtils.radToDeg(Math.atan(half / Math.min(1, aspect)));
    this.camera.updateProjectionMatrix();
  }
  offset() { return this.camera.position.clone().sub(this.controls.target); }
  place(offset) { this.camera.position.copy(this.controls.target).add(offset); }
  turn(azimuth, elevation) { // degrees
    const { degToRad, clamp } = spark.MathUtils, { up } = this.camera;
    const offset = this.offset().applyAxisAngle(up, degToRad(azimuth)), length = offset.length();
    const polar = clamp(offset.angleTo(up) - degToRad(elevation), .02, Math.PI - .02);
    const axis = up.clone().cross(offset).normalize();
    this.place(up.clone().applyAxisAngle(axis, polar).multiplyScalar(length));
  }
  key(event) {
    const moves = {
      ArrowLeft: () => this.turn(-STEP, 0), ArrowRight: () => this.turn(STEP, 0),
      ArrowUp: () => this.turn(0, STEP), ArrowDown: () => this.turn(0, -STEP),
      '+': () => this.place(this.offset().multiplyScalar(.9)), '=': () => this.place(this.offset().multiplyScalar(.9)),
      '-': () => this.place(this.offset().multiplyScalar(1 / .9)), Home: () => this.home(this.start),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !moves[event.key]) return;
    event.preventDefault();
    this.stop();
    moves[event.key]();
  }
}

// ---- the page

const LEGENDS = {
  colour: '',
  opacity: 'White is opaque, black is empty.',
  depth: 'Bright is near, dark is far.',
  normals: 'The shortest axis of each Gaussian, towards the viewer: red is +x, green +y, blue +z.',
};

function cameraKinds(cameras) { // a coloured mark, and the word, for each kind there is
  const kinds = make('span', { className: 'kinds' });
  for (const [role, colour] of Object.entries(ROLES)) {
    const number = cameras.filter(camera => camera.role === role).length;
    if (!number) continue;
    const mark = make('span', { className: 'mark' });
    mark.style.background = colour;
    kinds.append(make('span', {}, mark, `${number} ${role}`));
  }
  return kinds;
}

function download(canvas, name) {
  canvas.toBlob(blob => {
    const link = make('a', { href: URL.createObjectURL(blob), download: `${name}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

class Viewer { // what is in one element of a page, and what can be chosen there
  constructor(element, { clouds, cameras }) {
    Object.assign(this, { element, cameras, names: clouds.map(cloud => cloud.name) });
    this.stage = element.querySelector('.stage');
    this.renderer = new spark.WebGLRenderer({ antialias: false });
    this.canvas = this.renderer.domElement;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'application');
    this.canvas.setAttribute('aria-label', `${this.names.join(' and ')} in 3D. Arrow keys turn it, `
      + 'plus and minus bring it closer and farther, Home shows it as at first.');
    this.range = [spark.dyno.dynoFloat(1), spark.dyno.dynoFloat(2)]; // of depths that are shown
    this.results = clouds.map(cloud => new Result(this.renderer, cloud, this.range));
    this.drawn = this.results.map(result => cameraGroup(cameras)); // in both scenes
    this.drawn.forEach((group, k) => { group.visible = false; this.results[k].scene.add(group); });
    this.eye = new Eye(this.canvas, element.classList.contains('whole'));
    this.stage.prepend(this.canvas);
    this.addChoices();
    new ResizeObserver(() => this.resize()).observe(this.stage);
    this.resize();
  }
  addChoices() {
    this.legend = make('output', { className: 'legend' });
    this.channel = make('select', {}, ...CHANNELS.map(name => make('option', { value: name }, name)));
    this.channel.onchange = () => this.show(this.channel.value);
    const save = make('button', { type: 'button' }, 'Save picture');
    save.onclick = () => this.save();
    const bar = make('div', { className: 'bar' }, make('label', {}, 'Show ', this.channel));
    if (this.cameras.length) bar.append(this.cameraBox(), cameraKinds(this.cameras));
    bar.append(save);
    if (this.results.length === 2) this.addBorder();
    this.element.append(bar, this.legend);
  }
  cameraBox() {
    const box = make('input', { type: 'checkbox' });
    const farthest = Math.max(...this.cameras.map(({ centre }) => Math.hypot(...centre)));
    box.onchange = () => {
      this.drawn.forEach(group => { group.visible = box.checked; });
      this.eye.home(box.checked ? farthest / Math.sin(spark.MathUtils.degToRad(OPENING / 2)) : DISTANCE);
    };
    return make('label', {}, box, ' Cameras');
  }
  addBorder() { // between two results
    const [left, right] = this.names;
    this.border = make('input', { type: 'range', min: 0, max: 100, value: 50 });
    this.border.setAttribute('aria-label', `Border between ${left}, on its left, and ${right}`);
    this.line = make('div', { className: 'line' });
    const named = [make('span', { className: 'name left' }, left), make('span', { className: 'name right' }, right)];
    this.stage.append(this.line, ...named);
    this.element.append(make('div', { className: 'bar' }, this.border));
  }
  show(channel) {
    this.results.forEach(result => result.paint(channel));
    this.stage.classList.toggle('black', ON_BLACK.includes(channel));
    this.legend.textContent = LEGENDS[channel];
  }
  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.renderer.setPixelRatio(devicePixelRatio);
    this.renderer.setSize(width, height);
    this.eye.resize(width, height);
  }
  middle() { // pixels from the left, where the second result begins
    const width = this.stage.clientWidth;
    return this.border ? Math.round(width * this.border.value / 100) : width;
  }
  draw() {
    const { clientWidth: width, clientHeight: height } = this.stage, middle = this.middle();
    const distance = this.eye.offset().length();
    [this.range[0].value, this.range[1].value] = [Math.max(0, distance - 1), distance + 1];
    this.renderer.setClearColor(new spark.Color(getComputedStyle(this.stage).backgroundColor), 1);
    this.renderer.setScissorTest(true);
    const part = (result, from, to) => {
      if (from >= to) return;
      this.renderer.setScissor(from, 0, to - from, height);
      this.renderer.render(result.scene, this.eye.camera);
    };
    part(this.results[0], 0, middle);
    if (!this.border) return;
    part(this.results[1], middle, width);
    this.line.style.left = `${middle}px`;
  }
  save() { // what is seen, with the names of two results
    this.draw();
    const { width, height } = this.canvas, copy = make('canvas', { width, height }), drawing = copy.getContext('2d');
    drawing.drawImage(this.canvas, 0, 0);
    if (this.border) {
      drawing.scale(devicePixelRatio, devicePixelRatio);
      drawing.font = '15px system-ui, sans-serif';
      drawing.textBaseline = 'top';
      drawing.fillStyle = LINE;
      drawing.fillRect(this.middle() - 1, 0, 2, height);
      drawing.fillText(this.names[0], 10, 10);
      drawing.textAlign = 'right';
      drawing.fillText(this.names[1], this.stage.clientWidth - 10, 10);
    }
    download(copy, `${document.title} ${this.channel.value}`);
  }
  async begin() { // draws while it can be seen
    await Promise.all(this.results.map(result => result.mesh.initialized));
    const tick = () => { this.eye.controls.update(); this.draw(); };
    const watch = seen => this.renderer.setAnimationLoop(seen.at(-1).isIntersecting ? tick : null);
    new IntersectionObserver(watch).observe(this.stage);
  }
}

async function begin(element) {
  const note = element.querySelector('.note');
  try {
    const data = JSON.parse(element.querySelector('script[type="application/json"]').textContent);
    await new Viewer(element, data).begin();
    note.textContent = matchMedia('(pointer: coarse)').matches
      ? 'One finger turns, two bring closer.' : 'Drag to turn, right-drag to move, scroll to zoom.';
    element.dataset.shown = data.clouds.length;
  } catch (error) {
    note.textContent = `This browser cannot show the model (${error.message}); it needs WebGL 2.`;
  }
}

addEventListener('load', () => document.querySelectorAll('.mousefacelift-viewer').forEach(begin));
})();
