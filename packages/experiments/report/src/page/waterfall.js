// Runs in the browser, inlined after waterfall-chart.js and the result: one waterfall for each model, of the seed chosen.
(() => {
  const { result, redraw } = page;
  const columns = [...new Set(result.runs.map((run) => run.model))];
  const charts = [...document.querySelectorAll('.chart')].map((element) =>
    page.waterfall(element, element.parentElement.querySelector('[aria-live]')),
  );
  let seed = result.runs[0].seed;

  function draw() {
    const shown = columns.map((model) => result.runs.find((run) => run.model === model && run.seed === seed));
    const end = Math.max(
      ...shown.flatMap((run) =>
        run === undefined ? [] : [run.pageLoad, ...run.streams.map((stream) => stream.requested + stream.completion)],
      ),
    );
    for (const [i, run] of shown.entries()) if (run !== undefined) charts[i](run, end);
  }

  const choice = document.getElementById('seed');
  choice?.addEventListener('change', () => {
    seed = Number(choice.value);
    for (const part of document.querySelectorAll('[data-seed]')) part.hidden = Number(part.dataset.seed) !== seed;
    draw();
  });
  redraw(draw);
})();
