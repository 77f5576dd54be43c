// Source of spark.js: what viewer.js needs of three and Spark, for browsers load no modules from disk.
// Built by the command in nbs/core/reconstruction/02_viewer.ipynb.
export {
  BufferGeometry, CanvasTexture, Color, DoubleSide, Float32BufferAttribute, Group, LineBasicMaterial, LineSegments, MathUtils,
  Matrix4, Mesh, MeshBasicMaterial, PerspectiveCamera, Quaternion, Scene, Sprite, SpriteMaterial, SRGBColorSpace, TextureLoader,
  Vector2, Vector3, WebGLRenderer,
} from 'three';
export { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';
export { SparkRenderer, SplatMesh, dyno, modifiers } from '@sparkjsdev/spark';
