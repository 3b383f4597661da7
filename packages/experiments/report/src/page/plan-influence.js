// Runs in the browser, inlined after heat-map.js: influence matrices of a plan's models.
(() => {
  const { result: data, redraw, ms, grouped } = page;
  const [figureChoice, where] = ['influence-figure', 'influence-variant'].map((id) => document.getElementById(id));
  if (figureChoice === null) return;
  const maps = [...document.querySelectorAll('figure.influence')].map((figure) => ({
    figure,
    model: figure.dataset.model,
    draw: page.heatMap(figure.querySelector('.chart'), figure.querySelector('.spoken')),
  }));
  /** Of packets with octets of the page: what the loss of a handshake costs would leave nothing else to be seen. */
  const largestOf = ({ rows }, name) =>
    Math.max(1, ...rows.filter(({ carried }) => carried.length > 0).map((row) => Math.max(...row[name])));
  const factsOf = ({ rows, packets, failed, fewer, queueDrops }) =>
    [
      rows.length + failed < packets
        ? `${rows.length + failed} of ${grouped(packets, 0)} packets were dropped in turn, evenly spread.`
        : `Each of ${grouped(packets, 0)} packets was dropped in turn.`,
      ...(failed > 0 ? [`${failed} of them left nothing to compare.`] : []),
      ...(fewer > 0 ? [`${fewer} streams that change less are left out.`] : []),
      ...(queueDrops > 0 ? [`A full queue dropped ${queueDrops} packets beside: a row may be about more than its packet.`] : []),
    ].join(' ');

  function draw() {
    const name = figureChoice.value;
    const variant = Number(where?.value ?? data.influences[0].variant);
    const shown = maps.map(({ model }) => data.influences.find((one) => one.variant === variant && one.model === model));
    const largest = Math.max(1, ...shown.map((one) => (one === undefined ? 0 : largestOf(one, name)))); // one scale for all models
    for (const [i, { figure, draw: drawOne }] of maps.entries()) {
      const one = shown[i];
      const there = one !== undefined && one.rows.length > 0 && one.streams.length > 0;
      figure.querySelector('.facts').textContent = one === undefined ? 'There is none of it on the page.' : factsOf(one);
      drawOne(
        there
          ? {
              rows: one.rows.map(({ lost }) => ({ name: '', number: lost })),
              columns: one.streams.map(({ number }) => String(number)),
              rowTitle: 'dropped',
              columnTitle: 'stream number',
              value: (row, column) => one.rows[row][name][column],
              outlined: (row, column) => one.rows[row].carried.includes(column),
              text: (row, column) => {
                const { lost, carried, [name]: values } = one.rows[row];
                return `packet ${lost} lost, stream ${one.streams[column].number} ${one.streams[column].name}${carried.includes(column) ? ' (in it)' : ''}: ${ms(values[column])}`;
              },
              largest,
            }
          : undefined,
      );
    }
  }
  for (const select of [figureChoice, where]) select?.addEventListener('change', draw);
  redraw(draw);
})();
