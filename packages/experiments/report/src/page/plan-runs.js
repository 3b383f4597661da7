// Runs in the browser, inlined after waterfall-chart.js and curves-chart.js: the median, the 95th percentile and the worst run of each model, to look at.
(() => {
  const { result: data, redraw, ms } = page;
  const [where, rank, of] = ['run-variant', 'run-rank', 'run-model'].map((id) => document.getElementById(id));
  if (rank === null) return;
  const RANKS = [...rank.options].map(({ value }) => value);
  const figures = [...document.querySelectorAll('figure.run')];
  const variant = () => Number(where?.value ?? 0);
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
      if (detail?.page === undefined) facts.textContent = 'This run is not on the page.';
      else {
        const { pageLoad, links } = detail.page;
        const lost = (way) =>
          `${links[way].lost} of ${links[way].entered} ${way} lost${links[way].queueDropped > 0 ? `, ${links[way].queueDropped} for a full queue` : ''}`;
        facts.textContent = `Seed ${detail.seed}; page load ${ms(pageLoad)}; ${lost('down')}; ${lost('up')}.`;
      }
      drawOne(detail?.page ?? { streams: [] }, end);
    }
    const detail = detailOf(of?.value ?? data.details[0].model);
    const own = detail?.curves;
    if (curves === undefined) return;
    const facts = element.parentElement.querySelector('.facts');
    facts.textContent =
      own === undefined
        ? 'Of this run there are no curves on the page.'
        : `Seed ${detail.seed}. ${own.more > 0 ? `The ${own.flows.length} connections that carried most; ${own.more} more are left out. ` : ''}`;
    for (const [i, { name }] of (own?.flows ?? []).entries()) {
      const swatch = document.createElement('span');
      swatch.className = 'flow-name';
      swatch.style.setProperty('--flow', `var(--flow-${i % 6})`);
      swatch.textContent = name;
      facts.append(swatch, ' ');
    }
    curves.show({ runs: own === undefined ? [] : [own], names: (own?.flows ?? []).map(({ name }) => name), rate: 0 });
  }
  for (const select of [where, rank, of]) select?.addEventListener('change', draw);
  redraw(draw);
})();
