// Runs in the browser, inlined after curves-chart.js and the result: all flows, each of which a button hides and shows.
(() => {
  const { result, redraw } = page;
  const buttons = [...document.querySelectorAll('button.flow')];
  const shown = buttons.map(() => true);
  const chart = page.curves(document.querySelector('.curves'), document.querySelector('[aria-live]'));
  const draw = () => {
    for (const [i, button] of buttons.entries()) button.style.setProperty('--flow', chart.flowColour(i));
    chart.show({ runs: result.runs, names: result.names, rate: result.path.rate, visible: (i) => shown[i] });
  };
  // but never the last
  for (const [i, button] of buttons.entries())
    button.addEventListener('click', () => {
      if (shown[i] && shown.filter(Boolean).length === 1) return;
      shown[i] = !shown[i];
      button.setAttribute('aria-pressed', String(shown[i]));
      draw();
    });
  redraw(draw);
})();
