// Runs in the browser, inlined after echarts and the result. Draws one waterfall for each model and seed chosen.
(() => {
  const result = JSON.parse(document.getElementById('result').textContent);
  const figures = [...document.querySelectorAll('.chart')];
  const charts = figures.map((element) => echarts.init(element, null, { renderer: 'svg' }));
  let seed = result.runs[0].seed;

  const escapeHtml = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  const ms = (micros) => `${(micros / 1000).toFixed(1).replace(/\B(?=(\d{3})+\.)/g, ',')} ms`;
  const bytes = (count) => `${String(count).replace(/\B(?=(\d{3})+$)/g, ',')} bytes`;

  const describe = (stream) =>
    `${stream.file}: ${bytes(stream.bytes)}, complete after ${ms(stream.completion)}, first byte after ${ms(stream.firstByte)}, ` +
    `${stream.lostPackets} lost, blocked ${ms(stream.blocked.own)} by own loss and ${ms(stream.blocked.other)} by others`;

  const streamTip = (stream) =>
    `<b>${escapeHtml(stream.file)}</b><br>${bytes(stream.bytes)}<br>first byte after ${ms(stream.firstByte)}<br>` +
    `complete after ${ms(stream.completion)}<br>lost packets: ${stream.lostPackets}<br>` +
    `blocked: own ${ms(stream.blocked.own)}, other ${ms(stream.blocked.other)}`;

  function intervalTip(stream, interval, streams) {
    const culprit = streams.find((each) => each.id === interval.blame);
    const who =
      interval.blame === 'own'
        ? 'bytes of its own that were lost'
        : interval.blame === 'connection'
          ? 'bytes of the connection'
          : `bytes of <b>${escapeHtml(culprit.file)}</b>`;
    return `<b>${escapeHtml(stream.file)}</b><br>blocked for ${ms(interval.to - interval.from)} (${ms(interval.from)} to ${ms(interval.to)})<br>waiting for ${who}`;
  }

  function shortName(file, room) {
    if (file.length <= room) return file;
    const tail = file.slice(file.length - room + 1);
    const slash = tail.indexOf('/');
    return `…${slash >= 0 && slash < tail.length - 1 ? tail.slice(slash) : tail}`;
  }

  const columns = [...new Set(result.runs.map((run) => run.model))];
  const runOf = (model) => result.runs.find((run) => run.model === model && run.seed === seed);

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const shown = columns.map(runOf).filter((run) => run !== undefined);
    const end = Math.max(
      ...shown.map((run) => Math.max(run.pageLoad, ...run.streams.map((stream) => stream.requested + stream.completion))),
    );
    charts.forEach((chart, i) => {
      const run = runOf(columns[i]);
      if (run !== undefined) drawOne(chart, figures[i], run, end, colour);
    });
  }

  function drawOne(chart, element, run, end, colour) {
    const { streams } = run;
    const row = streams.length > 60 ? 14 : 22;
    element.style.height = `${streams.length * row + 44}px`;
    chart.resize();
    const narrow = element.clientWidth < 480;
    const labels = narrow ? 104 : Math.min(210, element.clientWidth * 0.32);
    const letters = Math.floor(labels / 6.4);
    const textStyle = { color: colour('quiet'), fontSize: narrow ? 10 : 11, fontFamily: 'system-ui, sans-serif' };

    const bar = (_params, api) => {
      const y = api.value(0);
      const [from] = api.coord([api.value(1), y]);
      const [first, middle] = api.coord([api.value(2), y]);
      const [to] = api.coord([api.value(3), y]);
      const height = Math.round(row * 0.62);
      return {
        type: 'group',
        children: [
          {
            type: 'rect',
            shape: { x: from, y: middle - 1, width: Math.max(0, first - from), height: 2 },
            style: { fill: colour('transfer') },
          },
          {
            type: 'rect',
            shape: { x: first, y: middle - height / 2, width: Math.max(1, to - first), height, r: 2 },
            style: { fill: colour('transfer') },
          },
        ],
      };
    };
    const blockedBar = (_params, api) => {
      const y = api.value(0);
      const [from, middle] = api.coord([api.value(1), y]);
      const [to] = api.coord([api.value(2), y]);
      const kind = ['own', 'other', 'connection'][api.value(3)];
      const height = Math.round(row * (kind === 'own' ? 0.4 : 0.62)); // so that it is not told by colour alone
      return {
        type: 'rect',
        shape: { x: from, y: middle - height / 2, width: Math.max(1, to - from), height },
        style: { fill: colour(kind), ...(kind === 'connection' ? { stroke: colour('ink'), lineWidth: 1, lineDash: [2, 2] } : {}) },
      };
    };
    const cross = (_params, api) => {
      const [x, y] = api.coord([api.value(1), api.value(0)]);
      const arm = 3;
      const line = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: colour('ink'), lineWidth: 1.6 } });
      return {
        type: 'group',
        children: [
          line(x - arm, y - arm, x + arm, y + arm),
          line(x - arm, y + arm, x + arm, y - arm),
          { type: 'rect', shape: { x: x - 5, y: y - 6, width: 10, height: 12 }, style: { fill: 'transparent' } }, // easier to point at
        ],
      };
    };

    const kindOf = (blame) => (blame === 'own' ? 0 : blame === 'connection' ? 2 : 1);
    const blocked = streams.flatMap((stream, y) => stream.intervals.map((interval) => ({ stream, interval, y })));
    const losses = streams.flatMap((stream, y) => stream.lostAt.map((at) => ({ stream, at, y })));
    chart.setOption(
      {
        animation: false,
        textStyle,
        grid: { left: labels + 8, right: 14, top: 30, bottom: 8 },
        tooltip: {
          trigger: 'item',
          confine: true,
          backgroundColor: colour('paper'),
          borderColor: colour('line'),
          textStyle: { color: colour('ink'), fontSize: 12 },
          extraCssText: 'max-width: 300px; white-space: normal;',
          formatter: ({ seriesIndex, dataIndex }) =>
            seriesIndex === 0
              ? streamTip(streams[dataIndex])
              : seriesIndex === 1
                ? intervalTip(blocked[dataIndex].stream, blocked[dataIndex].interval, streams)
                : `<b>${escapeHtml(losses[dataIndex].stream.file)}</b><br>a packet was dropped at ${ms(losses[dataIndex].at)}`,
        },
        xAxis: {
          type: 'value',
          position: 'top',
          min: 0,
          max: (end * 1.01) / 1000,
          splitNumber: narrow ? 3 : 6,
          axisLabel: { ...textStyle, formatter: '{value} ms', hideOverlap: true, showMaxLabel: false },
          splitLine: { showMaxLine: false, lineStyle: { color: colour('line') } },
        },
        yAxis: {
          type: 'category',
          inverse: true,
          data: streams.map((stream) => shortName(stream.file, letters)),
          axisLine: { show: false },
          axisTick: { show: false },
          axisLabel: { ...textStyle, interval: 0, width: labels, overflow: 'truncate' },
        },
        series: [
          {
            type: 'custom',
            renderItem: bar,
            encode: { x: [1, 2, 3], y: 0 },
            data: streams.map((stream, y) => [
              y,
              stream.requested / 1000,
              (stream.requested + stream.firstByte) / 1000,
              (stream.requested + stream.completion) / 1000,
            ]),
          },
          {
            type: 'custom',
            renderItem: blockedBar,
            encode: { x: [1, 2], y: 0 },
            data: blocked.map(({ interval, y }) => [y, interval.from / 1000, interval.to / 1000, kindOf(interval.blame)]),
          },
          { type: 'custom', renderItem: cross, encode: { x: 1, y: 0 }, data: losses.map(({ at, y }) => [y, at / 1000]) },
        ],
      },
      { notMerge: true },
    );
  }

  /** Arrow keys go through the streams of a chart, and say what its tooltip shows. */
  figures.forEach((element, i) => {
    const spoken = element.parentElement.querySelector('[aria-live]');
    let at = -1;
    element.addEventListener('keydown', (event) => {
      const last = runOf(columns[i]).streams.length - 1;
      const next = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
      if (event.key === 'Escape') charts[i].dispatchAction({ type: 'hideTip' });
      if (next === undefined) return;
      event.preventDefault();
      at = next;
      charts[i].dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: at });
      spoken.textContent = describe(runOf(columns[i]).streams[at]);
    });
    element.addEventListener('blur', () => {
      at = -1;
      charts[i].dispatchAction({ type: 'hideTip' });
    });
  });

  const choice = document.getElementById('seed');
  choice?.addEventListener('change', () => {
    seed = Number(choice.value);
    for (const part of document.querySelectorAll('[data-seed]')) part.hidden = Number(part.dataset.seed) !== seed;
    draw();
  });

  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth !== width) draw(); // a phone's bars come and go with its height alone
    width = innerWidth;
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  matchMedia('print').addEventListener('change', draw);
  draw();
})();
