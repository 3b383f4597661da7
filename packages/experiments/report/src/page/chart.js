// Runs in the browser, inlined after echarts and the result: what all drawings on a page share.
window.page = (() => {
  const result = JSON.parse(document.getElementById('result').textContent);
  const undrawn = new Set(); // charts of which nothing is there yet

  /** A chart that counts: the page is drawn when all are. */
  function chart(element, renderer) {
    const made = echarts.init(element, null, { renderer });
    undrawn.add(made);
    const finished = () => {
      made.off('finished', finished);
      settled(made);
    };
    made.on('finished', finished);
    return made;
  }
  /** There is nothing more to wait for: it is drawn, or there is nothing to draw. */
  function settled(made) {
    undrawn.delete(made);
    if (document.readyState === 'loading') return; // there may be more charts
    if (undrawn.size > 0 || document.documentElement.dataset.drawn !== undefined) return;
    window.performance.measure('quiclab: drawn', { start: 0 });
    document.documentElement.dataset.drawn = '';
  }
  /** Shows a chart, or what is said in its place. */
  function place(made, there) {
    const element = made.getDom();
    const instead = element.parentElement.querySelector('.instead');
    element.hidden = !there;
    if (instead !== null) instead.hidden = there;
    if (!there) settled(made);
    return there;
  }

  addEventListener('load', () => settled()); // a page may have no charts

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const textStyle = (narrow) => ({ color: colour('quiet'), fontSize: narrow ? 10 : 11, fontFamily: 'system-ui, sans-serif' });
  const tooltip = (more) => ({
    confine: true,
    backgroundColor: colour('paper'),
    borderColor: colour('line'),
    textStyle: { color: colour('ink'), fontSize: 12 },
    extraCssText: 'max-width: 300px; white-space: normal;',
    ...more,
  });
  const escapeHtml = (text) => String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  function grouped(value, decimals) {
    const [whole, rest] = Math.abs(value).toFixed(decimals).split('.');
    const digits = whole.replace(/\B(?=(\d{3})+$)/g, ',');
    const text = rest === undefined ? digits : `${digits}.${rest}`;
    return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
  }
  const ms = (micros) => `${grouped(micros / 1000, 1)} ms`;

  function shortName(name, room) {
    if (name.length <= room) return name;
    const tail = name.slice(name.length - room + 1);
    const slash = tail.indexOf('/');
    return `…${slash >= 0 && slash < tail.length - 1 ? tail.slice(slash) : tail}`;
  }

  /** Draws now, and whenever width, colours or medium change. */
  function redraw(draw) {
    let width = innerWidth;
    addEventListener('resize', () => {
      if (innerWidth !== width) draw(); // a phone's bars come and go with its height alone
      width = innerWidth;
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    matchMedia('print').addEventListener('change', draw);
    draw();
  }

  /** How much of a row a state's bar takes, so that it is not told by colour alone. */
  const HEIGHTS = { waiting: 0.3, server: 0.6, stalled: 0.6, transit: 0.85, undetected: 0.75, other: 0.85, held: 0.85 };
  /** The bar of a state, around y. */
  function stateBar(family, from, to, y, room) {
    const height = Math.max(2, room * HEIGHTS[family]);
    const [x, width, top] = [from, Math.max(0.8, to - from), y - height / 2];
    const fill = colour(family === 'transit' ? 'transfer' : family);
    const rect = (style) => ({ type: 'rect', shape: { x, y: top, width, height }, style });
    if (family === 'undetected') return rect({ fill: colour('paper'), stroke: fill, lineWidth: 1.4 });
    const lines = [];
    const line = (x1, y1, x2, y2) =>
      lines.push({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: colour('paper'), lineWidth: 1.2 }, silent: true });
    if (family === 'held') line(x, y, x + width, y);
    if (family === 'stalled')
      for (let at = x + 3; at + height <= x + width; at += Math.max(8, width / 60)) line(at, top + height, at + height, top);
    return lines.length === 0 ? rect({ fill }) : { type: 'group', children: [rect({ fill }), ...lines] };
  }

  return { result, chart, place, colour, textStyle, tooltip, escapeHtml, grouped, ms, shortName, redraw, stateBar };
})();
