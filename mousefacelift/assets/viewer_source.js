// Source of viewer.js: one splat file on a white page, turned by the mouse. Built by the command in nbs/core/84_viewer.ipynb.
import { Matrix4, PerspectiveCamera, Scene, Vector3, WebGLRenderer } from 'three';
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';
import { SparkRenderer, SplatMesh } from '@sparkjsdev/spark';

const bytes = text => Uint8Array.from(atob(text.trim()), c => c.charCodeAt(0));

// ply: a 3DGS file in base64; frame: 4x4, row by row, from its coordinates to ones with the subject in the unit ball, z up
export async function show(element, ply, frame) {
  const note = element.querySelector('.note');
  try {
    const renderer = new WebGLRenderer({ antialias: false });
    const scene = new Scene(), camera = new PerspectiveCamera(40, 1, .01, 100);
    camera.up.set(0, 0, 1); camera.position.copy(new Vector3(1, -1, .7).setLength(2.7));
    // 3DGS blurs each splat by 0.3 px^2 without lowering its opacity and sorts by depth
    scene.add(new SparkRenderer({ renderer, preBlurAmount: .3, blurAmount: 0, sortRadial: false, maxStdDev: Math.sqrt(11) }));
    const mesh = new SplatMesh({ fileBytes: bytes(ply), fileType: 'ply', extSplats: true });
    new Matrix4().set(...frame.flat()).decompose(mesh.position, mesh.quaternion, mesh.scale);
    await mesh.initialized;
    scene.add(mesh); renderer.setClearColor(0xffffff, 1); element.prepend(renderer.domElement);
    const controls = new OrbitControls(camera, renderer.domElement);
    controls.enableDamping = true; controls.autoRotate = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    controls.addEventListener('start', () => { controls.autoRotate = false; });
    const resize = () => {
      const w = element.clientWidth, h = element.clientHeight;
      renderer.setPixelRatio(devicePixelRatio); renderer.setSize(w, h);
      camera.aspect = w / h; camera.updateProjectionMatrix();
    };
    new ResizeObserver(resize).observe(element); resize();
    if (note) note.textContent = 'Drag to turn, right-drag to move, scroll to zoom.';
    const draw = () => { controls.update(); renderer.render(scene, camera); };
    new IntersectionObserver(seen => renderer.setAnimationLoop(seen.at(-1).isIntersecting ? draw : null)).observe(element);
  } catch (e) {
    if (note) note.textContent = `This browser cannot show the model (${e.message}); it needs WebGL 2.`;
  }
}
