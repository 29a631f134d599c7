// Pointer, wheel and keyboard on the canvas, turned into calls on the matrix. Nothing is drawn or decided here.

const DRAG_FROM = 4;
const STEPS = new Map([
  ["ArrowDown", { r: 1, c: 0 }],
  ["ArrowUp", { r: -1, c: 0 }],
  ["ArrowLeft", { r: 0, c: -1 }],
  ["ArrowRight", { r: 0, c: 1 }],
]);

/** @param {import("./matrix.js").MatrixCanvas} matrix */
export function listen(matrix) {
  listenPointer(matrix);
  const { canvas } = matrix;
  canvas.addEventListener("wheel", (event) => onWheel(matrix, event), { passive: false });
  canvas.addEventListener("dblclick", () => matrix.fit());
  canvas.addEventListener("keydown", (event) => onKey(matrix, event));
  canvas.addEventListener("focus", () => matrix.focused());
  canvas.addEventListener("blur", () => matrix.draw());
}

/** @param {import("./matrix.js").MatrixCanvas} matrix */
function listenPointer(matrix) {
  const { canvas } = matrix;
  /** @type {{x: number, y: number, view: {x: number, y: number}, moved: boolean} | null} */
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 0) {
      canvas.setPointerCapture(event.pointerId);
      drag = { x: event.clientX, y: event.clientY, view: { ...matrix.view }, moved: false };
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = drag ? [event.clientX - drag.x, event.clientY - drag.y] : [0, 0];
    if (drag && (drag.moved || Math.hypot(x, y) > DRAG_FROM)) {
      drag.moved = true;
      matrix.panTo(drag.view.x - x / matrix.view.kx, drag.view.y - y / matrix.view.ky);
    } else {
      matrix.point(pointIn(canvas, event));
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    const clicked = drag && !drag.moved;
    drag = null;
    if (clicked) {
      matrix.click(pointIn(canvas, event));
    }
  });
  canvas.addEventListener("pointercancel", () => {
    drag = null;
  });
  canvas.addEventListener("pointerleave", () => matrix.unpoint());
}

/**
 * The wheel scrolls the page, unless Ctrl is held or the matrix is zoomed in and has the focus.
 * @param {import("./matrix.js").MatrixCanvas} matrix
 * @param {WheelEvent} event
 */
function onWheel(matrix, event) {
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    matrix.zoom(Math.exp(-event.deltaY * 0.0015), pointIn(matrix.canvas, event));
  } else if (matrix.isZoomed() && document.activeElement === matrix.canvas) {
    event.preventDefault();
    matrix.panTo(matrix.view.x + event.deltaX / matrix.view.kx, matrix.view.y + event.deltaY / matrix.view.ky);
  }
}

/**
 * @param {import("./matrix.js").MatrixCanvas} matrix
 * @param {KeyboardEvent} event
 */
function onKey(matrix, event) {
  const action = keyAction(matrix, event);
  if (action) {
    event.preventDefault();
    event.stopPropagation();
    action();
  }
}

/**
 * @param {import("./matrix.js").MatrixCanvas} matrix
 * @param {KeyboardEvent} event
 * @returns {(() => void) | null}
 */
function keyAction(matrix, event) {
  const step = STEPS.get(event.key);
  if (step) {
    return () => matrix.move(step, event.ctrlKey || event.metaKey);
  }
  if (event.key === "Enter" || event.key === " ") {
    return () => matrix.chooseAtCursor(event.shiftKey ? "row" : event.ctrlKey ? "column" : "cell");
  }
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const actions = new Map([
    ["Escape", () => matrix.choose(null)],
    ["c", () => matrix.toggleAtCursor()],
    ["+", () => matrix.zoom(1.3)],
    ["=", () => matrix.zoom(1.3)],
    ["-", () => matrix.zoom(1 / 1.3)],
    ["0", () => matrix.fit()],
  ]);
  return plain ? (actions.get(event.key) ?? null) : null;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {MouseEvent} event
 */
function pointIn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.x, y: event.clientY - box.y };
}
