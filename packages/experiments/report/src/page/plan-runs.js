// Runs in the browser, inlined after waterfall-chart.js and curves-chart.js: the median, the 95th percentile and the worst run of each model, to look at.
(() => {
  const { result: data, redraw, ms } = page;
  const [where, rank, of] = ['run-variant', 'run-rank', 'run-model'].map((id) => document.getElementById(id));
  if (rank === null) return;
  const RANKS = [...rank.options].map(({ value }) => value);
  const figures = [...document.querySelectorAll('figure.run')];
  const variant = () => Number(where?.value ?? data.details[0].variant); // there is no choice of one
  const detailOf = (model) =>
    data.details.find((detail) => detail.variant === variant() && detail.model === model && detail.ranks.includes(rank.value));

  /** The left and right arrows go from the median to the worst. */
  const turn = (by, spoken) => {
    const next = Math.min(RANKS.length - 1, Math.max(0, RANKS.indexOf(rank.value) + by));
    rank.value = RANKS[next];
    draw();
    spoken.textContent = rank.selectedOptions[0].textContent;
  };
  const waterfalls = figures.map((figure) => {
    const element = figure.querySelector('.chart');
    return { figure, model: figure.dataset.model, draw: page.waterfall(element, figure.querySelector('.spoken'), data.states, turn) };
  });
  const blames = [...document.querySelectorAll('figure.blame')].map((figure) => ({
    figure,
    model: figure.dataset.model,
    draw: page.heatMap(figure.querySelector('.chart'), figure.querySelector('.spoken')),
  }));
  const element = document.getElementById('curves');
  const curves = element === null ? undefined : page.curves(element, element.parentElement.querySelector('.spoken'));

  function draw() {
    const shown = waterfalls.map(({ model }) => detailOf(model));
    const end = Math.max(
      1,
      ...shown.flatMap((detail) =>
        detail?.page === undefined
          ? []
          : [detail.page.pageLoad, ...detail.page.streams.map(({ requested, completion }) => requested + completion)],
      ),
    );
    for (const [i, detail] of shown.entries()) {
      const { figure, draw: drawOne } = waterfalls[i];
      const facts = figure.querySelector('.facts');
      if (detail?.page === undefined) facts.textContent = '';
      else {
        const { pageLoad, links } = detail.page;
        const lost = (way) =>
          `${links[way].lost} of ${links[way].entered} ${way} lost${links[way].queueDropped > 0 ? `, ${links[way].queueDropped} for a full queue` : ''}`;
        const { streams } = detail.page;
        const rows = page.slowest(streams).length;
        const accounted = streams.some(({ states }) => states.length > 0);
        facts.textContent = `Seed ${detail.seed}; page load ${ms(pageLoad)}; ${lost('down')}; ${lost('up')}.${rows < streams.length ? ` The ${rows} of ${streams.length} streams that took longest.` : ''}${accounted ? '' : ' As the client sees it: through a gateway no account is kept of what a stream waits for. The losses are those of the first hop.'}`;
      }
      drawOne(detail?.page, end);
    }
    const matrices = blames.map(({ model }) => {
      const detail = detailOf(model);
      return detail?.page === undefined ? undefined : page.blame(detail.page);
    });
    const largest = Math.max(1, ...matrices.map((matrix) => matrix?.largest ?? 0)); // one scale for all models
    for (const [i, { figure, draw: drawOne, model }] of blames.entries()) {
      const matrix = matrices[i];
      const run = detailOf(model)?.page;
      figure.querySelector('.facts').textContent =
        matrix !== undefined
          ? `${matrix.waited} of ${run.streams.length} streams waited.${matrix.left}`
          : run === undefined
            ? 'This run is not on the page.'
            : run.streams.every(({ states }) => states.length === 0)
              ? 'Through a gateway no account is kept of it.'
              : 'No stream’s octets ever waited.';
      drawOne(matrix === undefined ? undefined : { ...matrix, largest });
    }
    const detail = detailOf(of?.value ?? data.details[0].model);
    const own = detail?.curves;
    if (curves === undefined) return;
    const panel = element.parentElement;
    const facts = panel.querySelector('.facts');
    facts.textContent =
      own === undefined
        ? ''
        : `Seed ${detail.seed}. ${own.more > 0 ? `The ${own.flows.length} connections that carried most; ${own.more} more are left out. ` : ''}`;
    panel.querySelector('.instead').textContent =
      detail?.page === undefined
        ? 'This run is not on the page.'
        : 'Through a gateway there are none: each hop has senders of its own, and what the client sees is on the page alone.';
    for (const [i, { name }] of (own?.flows ?? []).entries()) {
      const swatch = document.createElement('span');
      swatch.className = 'flow-name';
      swatch.style.setProperty('--flow', `var(--flow-${i % 6})`);
      swatch.textContent = name;
      facts.append(swatch, ' ');
    }
    if (own?.flows.every(({ curves: { pacingRate } }) => pacingRate.length === 0))
      facts.append('These senders do not pace: there is no pacing rate.');
    if (own === undefined) curves.hide();
    else curves.show({ runs: [own], names: own.flows.map(({ name }) => name), rate: 0 });
  }
  for (const select of [where, rank, of]) select?.addEventListener('change', draw);
  redraw(draw);
})();
