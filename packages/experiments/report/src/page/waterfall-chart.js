// Runs in the browser, inlined after chart.js: a waterfall of streams, what each waited for, and what was lost.
(() => {
  const { escapeHtml, ms, grouped, shortName, colour } = page;
  const bytes = (count) => `${grouped(count, 0)} bytes`;

  const describe = (stream) =>
    `${stream.file}: ${bytes(stream.bytes)}, complete after ${ms(stream.completion)}, first byte after ${ms(stream.firstByte)}, ` +
    `${stream.lostPackets} lost, blocked ${ms(stream.blocked.own)} by own loss and ${ms(stream.blocked.other)} by others`;

  const streamTip = (stream) =>
    `<b>${escapeHtml(stream.file)}</b><br>${bytes(stream.bytes)}<br>first byte after ${ms(stream.firstByte)}<br>` +
    `complete after ${ms(stream.completion)}<br>lost packets: ${stream.lostPackets}<br>` +
    `blocked: own ${ms(stream.blocked.own)}, other ${ms(stream.blocked.other)}`;

  const MOST_STREAMS = 200;
  /** Of more streams than one can look at, those that took longest, in their order. */
  window.page.slowest = (streams) => {
    if (streams.length <= MOST_STREAMS) return streams;
    const kept = new Set([...streams].sort((a, b) => b.completion - a.completion).slice(0, MOST_STREAMS));
    return streams.filter((stream) => kept.has(stream));
  };

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

  /**
   * A waterfall in an element, gone through by keys.
   * @param states  the names and families of states that streams have by index; [] where they have none
   * @param turn    told of the left and right arrows: -1, 1
   * @returns what draws a run, on an axis up to `end` µs, or says that it is not there
   */
  window.page.waterfall = (element, spoken, states = [], turn = undefined) => {
    const chart = page.chart(element, 'svg');
    let at = -1;
    let streams = [];
    element.addEventListener('keydown', (event) => {
      const last = streams.length - 1;
      const next = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
      const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === 'Escape') chart.dispatchAction({ type: 'hideTip' });
      if (turn !== undefined && sideways !== undefined) {
        event.preventDefault();
        turn(sideways, spoken);
      }
      if (next === undefined || last < 0) return;
      event.preventDefault();
      at = next;
      chart.dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: at });
      spoken.textContent = describe(streams[at]);
    });
    element.addEventListener('blur', () => {
      at = -1;
      chart.dispatchAction({ type: 'hideTip' });
    });
    return (run, end) => {
      const all = run?.streams ?? [];
      streams = page.slowest(all);
      if (!page.place(chart, run !== undefined)) return;
      const accounted = streams.some((stream) => (stream.states ?? []).length > 0);
      const row = streams.length > 60 ? (accounted ? 16 : 14) : 22;
      const lanes = ['down', 'up'].filter((way) => (run.drops?.[way] ?? []).length > 0);
      element.style.height = `${(streams.length + lanes.length) * row + 44}px`;
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
        if (accounted)
          // something to point at
          return {
            type: 'rect',
            shape: { x: from, y: middle - row / 2, width: Math.max(1, to - from), height: row },
            style: { fill: 'transparent' },
          };
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
      // where states are known, who is to blame stands below them
      const blockedBar = (_params, api) => {
        const y = api.value(0);
        const [from, middle] = api.coord([api.value(1), y]);
        const [to] = api.coord([api.value(2), y]);
        const kind = ['own', 'other', 'connection'][api.value(3)];
        const room = accounted ? row * 0.3 : row * 0.62;
        const height = Math.round(room * (kind === 'own' ? 0.64 : 1)); // so that it is not told by colour alone
        const centre = accounted ? middle + row * 0.3 : middle;
        return {
          type: 'rect',
          shape: { x: from, y: centre - height / 2, width: Math.max(1, to - from), height },
          style: { fill: colour(kind), ...(kind === 'connection' ? { stroke: colour('ink'), lineWidth: 1, lineDash: [2, 2] } : {}) },
        };
      };
      const stateParts = streams.flatMap(({ states: own = [] }, y) =>
        Array.from({ length: own.length / 3 }, (_, i) => ({ y, from: own[3 * i], to: own[3 * i + 1], state: own[3 * i + 2] })),
      );
      const stateBar = (params, api) => {
        const y = api.value(0);
        const [from, middle] = api.coord([api.value(1), y]);
        const [to] = api.coord([api.value(2), y]);
        return page.stateBar(states[stateParts[params.dataIndex].state].family, from, to, middle - row * 0.15, row * 0.56);
      };
      const stateTip = ({ y, from, to, state }) =>
        `<b>${escapeHtml(streams[y].file)}</b><br>${escapeHtml(states[state].name)} for ${ms(to - from)} (${ms(from)} to ${ms(to)})`;
      const inLanes = lanes.flatMap((way, lane) => run.drops[way].map((at) => ({ way, at, y: streams.length + lane })));
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
          tooltip: page.tooltip({
            trigger: 'item',
            formatter: ({ seriesIndex, dataIndex }) =>
              seriesIndex === 0
                ? streamTip(streams[dataIndex])
                : seriesIndex === 1
                  ? intervalTip(blocked[dataIndex].stream, blocked[dataIndex].interval, all)
                  : seriesIndex === 3
                    ? stateTip(stateParts[dataIndex])
                    : seriesIndex === 4
                      ? `a packet ${inLanes[dataIndex].way} was dropped at ${ms(inLanes[dataIndex].at)}`
                      : `<b>${escapeHtml(losses[dataIndex].stream.file)}</b><br>a packet was dropped at ${ms(losses[dataIndex].at)}`,
          }),
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
            data: [...streams.map((stream) => shortName(stream.file, letters)), ...lanes.map((way) => `lost ${way}`)],
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
            {
              type: 'custom',
              renderItem: stateBar,
              encode: { x: [1, 2], y: 0 },
              z: 1,
              data: stateParts.map(({ y, from, to }) => [y, from / 1000, to / 1000]),
            },
            { type: 'custom', renderItem: cross, encode: { x: 1, y: 0 }, data: inLanes.map(({ at, y }) => [y, at / 1000]) },
          ],
        },
        { notMerge: true },
      );
    };
  };
})();
