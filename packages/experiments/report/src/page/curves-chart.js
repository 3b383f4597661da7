// Runs in the browser, inlined after chart.js: curves of several senders on one axis of virtual time.
(() => {
  const seconds = (micros) => micros / 1e6;

  /** Of the steps instant, value, instant, value … the value at an instant; undefined before the first. */
  function valueAt(steps, at) {
    let low = 0;
    let high = steps.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[2 * middle] <= at) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : steps[2 * low - 1];
  }

  const { grouped, escapeHtml } = page;
  const units = {
    bytes: { of: (octets) => octets / 1e3, text: (octets) => `${grouped(octets / 1e3, 1)} KB` },
    rate: { of: (octets) => (octets * 8) / 1e6, text: (octets) => `${grouped((octets * 8) / 1e6, 2)} Mbit/s` },
    time: { of: (micros) => micros / 1e3, text: (micros) => `${grouped(micros / 1e3, 1)} ms` },
    packets: { of: (count) => count, text: (count) => `${grouped(count, 0)} packets` },
  };
  /** From the top: what each plot shows, the most important curve last, so that it lies above. */
  const plots = [
    {
      title: 'Window and bytes in flight, KB',
      unit: 'bytes',
      share: 0.31,
      curves: [
        ['inFlight', 'faint', 'in flight'],
        ['threshold', 'dashed', 'threshold'],
        ['window', 'strong', 'window'],
      ],
    },
    {
      title: 'Pacing rate and goodput, Mbit/s',
      unit: 'rate',
      share: 0.23,
      curves: [
        ['pacingRate', 'faint', 'pacing'],
        ['goodput', 'strong', 'goodput'],
      ],
    },
    {
      title: 'Round trip, ms',
      unit: 'time',
      share: 0.23,
      curves: [
        ['latestRtt', 'faint', 'latest RTT'],
        ['minRtt', 'dashed', 'smallest'],
        ['smoothedRtt', 'strong', 'smoothed'],
      ],
    },
    { title: 'Queue before the data, packets', unit: 'packets', share: 0.13, curves: [] },
  ];
  const QUEUE = plots.length - 1;
  const EVENTS = plots.length; // the last: a row for each flow
  const ROW = 24;

  const pairs = (steps, unit, until) => {
    const data = [];
    for (let i = 0; i < steps.length; i += 2) data.push([seconds(steps[i]), unit.of(steps[i + 1])]);
    if (data.length > 0) data.push([Math.max(seconds(until), data[data.length - 1][0]), data[data.length - 1][1]]);
    return data;
  };
  const LINES = {
    strong: { width: 2, opacity: 1 },
    faint: { width: 1, opacity: 0.55 },
    dashed: { width: 1.4, opacity: 0.9, type: [5, 3] },
  };

  /**
   * Curves in an element, gone through by keys.
   * @returns what draws: runs with their flows, a name for each flow, and what the link allows (bit/s; 0: no limit); `visible` hides flows by index
   */
  window.page.curves = (element, spoken) => {
    const chart = page.chart(element, 'canvas');
    let flows = [];
    let names = [];
    let runs = [];
    let rate = 0;
    let visibleOf = () => true;
    let end = 1;
    let zoom = { start: 0, end: 100 };

    function draw() {
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => style.getPropertyValue(`--${name}`).trim();
      const flowColour = (i) => colour(`flow-${i % 6}`);
      const narrow = element.clientWidth < 480;
      const textStyle = { color: colour('quiet'), fontSize: narrow ? 10 : 11, fontFamily: 'system-ui, sans-serif' };
      const visible = flows.flatMap((flow, i) => (visibleOf(i) ? [{ flow, i }] : []));
      const left = narrow ? 44 : 58;
      const room = narrow ? 640 : 760; // for the plots
      const gap = 40;

      let top = 28;
      const grids = plots.map(({ share }) => {
        const grid = { left, right: 16, top, height: Math.round(room * share) };
        top += grid.height + gap;
        return grid;
      });
      grids.push({ left, right: 16, top, height: Math.max(1, visible.length) * ROW });
      top += Math.max(1, visible.length) * ROW;
      element.style.height = `${top + 84}px`;
      chart.resize();

      const titles = [...plots.map(({ title }) => title), 'What happened'].map((title, i) => ({
        text: title,
        left: 0,
        top: grids[i].top - 24,
        padding: 0,
        textStyle: { ...textStyle, color: colour('ink'), fontSize: 12, fontWeight: 600 },
      }));
      const axisLine = { show: true, lineStyle: { color: colour('line') } };
      const xAxis = grids.map((_, i) => ({
        type: 'value',
        gridIndex: i,
        min: 0,
        max: seconds(end),
        splitNumber: narrow ? 3 : 8,
        axisLine: { ...axisLine, onZero: false },
        axisTick: { show: i === EVENTS, lineStyle: { color: colour('line') } },
        axisLabel: { ...textStyle, show: i === EVENTS, formatter: (value) => `${Number(value.toFixed(3))} s`, hideOverlap: true },
        splitLine: { lineStyle: { color: colour('line'), opacity: 0.6 } },
        axisPointer: {
          show: true,
          label: { show: false },
          lineStyle: { color: colour('quiet'), type: 'solid' },
          triggerTooltip: i !== EVENTS,
        },
      }));
      const yAxis = grids.map((_, i) =>
        i === EVENTS
          ? {
              type: 'category',
              gridIndex: i,
              inverse: true,
              data: visible.map(({ i: flow }) => String(flow)),
              axisLine: { show: false },
              axisTick: { show: false },
              axisLabel: { show: false },
            }
          : {
              type: 'value',
              gridIndex: i,
              min: 0,
              splitNumber: i === QUEUE ? 2 : 4,
              axisLine,
              axisLabel: { ...textStyle, hideOverlap: true },
              splitLine: { lineStyle: { color: colour('line'), opacity: 0.6 } },
            },
      );

      const series = [];
      const add = (plot, more) => series.push({ xAxisIndex: plot, yAxisIndex: plot, animation: false, silent: true, ...more });
      const steps = (plot, data, color, line, more) =>
        add(plot, { type: 'line', step: 'end', symbol: 'none', data, lineStyle: { color, ...line }, itemStyle: { color }, ...more });
      plots.forEach(({ unit, curves }, plot) => {
        for (const [name, line] of curves)
          for (const { flow, i } of visible)
            steps(plot, pairs(flow.curves[name], units[unit], flow.run.endedAt), flowColour(i), LINES[line], { name: `${name} ${i}` });
      });
      if (rate > 0)
        add(1, {
          type: 'line',
          data: [],
          markLine: {
            silent: true,
            symbol: 'none',
            animation: false,
            label: { show: true, position: 'insideEndTop', formatter: 'the link', ...textStyle },
            lineStyle: { color: colour('quiet'), type: 'dotted', width: 1.2 },
            data: [{ yAxis: rate / 1e6 }],
          },
        });
      for (const run of runs) {
        const first = visible.find(({ flow }) => flow.run === run);
        if (first === undefined) continue;
        const several = run.flows.length > 1;
        const color = several ? colour('ink') : flowColour(first.i);
        steps(QUEUE, pairs(run.queue, units.packets, run.endedAt), color, { width: 1.2, opacity: 0.9 });
        add(QUEUE, {
          type: 'scatter',
          large: false,
          symbol: 'path://M-1 -1L1 1M-1 1L1 -1',
          symbolSize: 6,
          itemStyle: { color: 'transparent', borderColor: color, borderWidth: 1.4 },
          data: run.queueDrops.map((at) => [seconds(at), valueAt(run.queue, at) ?? 0]),
        });
      }

      // what happened: spans of phases, then marks
      const spans = visible.flatMap(({ flow, i }, row) =>
        flow.phases.flatMap(({ at, phase }, n) => {
          const until = flow.phases[n + 1]?.at ?? flow.run.endedAt;
          const opacity = { 'slow-start': 0.22, recovery: 0.6 }[phase];
          return opacity === undefined ? [] : [{ value: [row, seconds(at), seconds(until)], opacity, color: flowColour(i) }];
        }),
      );
      add(EVENTS, {
        type: 'custom',
        clip: true,
        encode: { x: [1, 2], y: 0 },
        data: spans.map(({ value }) => value),
        renderItem: (params, api) => {
          const [from, y] = api.coord([api.value(1), api.value(0)]);
          const [to] = api.coord([api.value(2), api.value(0)]);
          const { opacity, color } = spans[params.dataIndex];
          return { type: 'rect', shape: { x: from, y: y - 8, width: Math.max(1, to - from), height: 16 }, style: { fill: color, opacity } };
        },
      });
      const marks = (name, shape) =>
        add(EVENTS, {
          type: 'custom',
          clip: true,
          encode: { x: 1, y: 0 },
          data: visible.flatMap(({ flow }, row) => flow.marks[name].map((at) => [row, seconds(at)])),
          renderItem: (_params, api) => {
            const [x, y] = api.coord([api.value(1), api.value(0)]);
            return shape(x, y);
          },
        });
      const ink = colour('ink');
      marks('lost', (x, y) => ({ type: 'rect', shape: { x: x - 0.7, y: y - 6, width: 1.4, height: 12 }, style: { fill: ink } }));
      marks('spurious', (x, y) => ({
        type: 'circle',
        shape: { cx: x, cy: y, r: 4 },
        style: { fill: colour('paper'), stroke: ink, lineWidth: 1.6 },
      }));
      marks('timeouts', (x, y) => ({
        type: 'polygon',
        shape: {
          points: [
            [x, y - 7],
            [x + 6, y + 5],
            [x - 6, y + 5],
          ],
        },
        style: { fill: ink, stroke: colour('paper'), lineWidth: 1 },
      }));

      chart.setOption(
        {
          animation: false,
          textStyle,
          title: titles,
          grid: grids,
          xAxis,
          yAxis,
          series,
          axisPointer: { link: [{ xAxisIndex: 'all' }] },
          tooltip: {
            trigger: 'axis',
            confine: true,
            backgroundColor: colour('paper'),
            borderColor: colour('line'),
            textStyle: { color: colour('ink'), fontSize: 12 },
            formatter: (all) => tip(1e6 * (all[0] ?? all).axisValue, flowColour),
          },
          dataZoom: [
            {
              type: 'slider',
              xAxisIndex: grids.map((_, i) => i),
              ...zoom,
              bottom: 12,
              height: 24,
              left,
              right: 16,
              showDetail: false,
              brushSelect: false,
              filterMode: 'none',
              borderColor: colour('line'),
              fillerColor: colour('select'),
              backgroundColor: colour('panel'),
              handleStyle: { color: colour('paper'), borderColor: colour('quiet') },
              moveHandleStyle: { color: colour('line') },
              dataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
              selectedDataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
            },
            // on a phone one finger scrolls the page
            ...(narrow
              ? []
              : [
                  {
                    type: 'inside',
                    xAxisIndex: grids.map((_, i) => i),
                    zoomOnMouseWheel: 'ctrl',
                    moveOnMouseMove: true,
                    filterMode: 'none',
                  },
                ]),
          ],
        },
        { notMerge: true },
      );
    }

    /** The values of a flow at an instant, as texts. */
    function valuesOf(flow, at) {
      const lines = plots.flatMap(({ unit, curves }) => {
        const values = curves.toReversed().flatMap(([name, , label]) => {
          const value = valueAt(flow.curves[name], at);
          return value === undefined ? [] : [`${label} ${units[unit].text(value)}`];
        });
        return values.length === 0 ? [] : [values.join(', ')];
      });
      const phase = flow.phases.findLast((one) => one.at <= at);
      return phase === undefined ? lines : [phase.phase.replace('-', ' '), ...lines];
    }

    function tip(at, colourOf) {
      const parts = flows.flatMap((flow, i) =>
        visibleOf(i)
          ? [`<b style="color:${colourOf(i)}">${escapeHtml(names[i])}</b><br>${valuesOf(flow, at).join('<br>') || 'not begun'}`]
          : [],
      );
      const queues = runs.map((run) => valueAt(run.queue, at)).filter((value) => value !== undefined);
      return `<b>${seconds(at).toFixed(3)} s</b><br>${parts.join('<br>')}${queues.length === 0 ? '' : `<br>queue ${queues.join(', ')} packets`}`;
    }

    chart.on('datazoom', () => {
      const [{ start, end: last }] = chart.getOption().dataZoom;
      zoom = { start, end: last };
    });
    const show = (start, last) => {
      const width = Math.min(100, last - start);
      const from = Math.min(Math.max(0, start), 100 - width);
      zoom = { start: from, end: from + width };
      chart.dispatchAction({ type: 'dataZoom', dataZoomIndex: 0, ...zoom });
    };

    let cursor = -1; // µs
    element.addEventListener('keydown', (event) => {
      const width = zoom.end - zoom.start;
      if (event.key === '+' || event.key === '-') {
        const middle = cursor < 0 ? (zoom.start + zoom.end) / 2 : (100 * cursor) / end;
        const wide = event.key === '+' ? width / 2 : width * 2;
        show(middle - wide / 2, middle + wide / 2);
        event.preventDefault();
        return;
      }
      if (event.key === 'Escape') chart.dispatchAction({ type: 'hideTip' });
      const step = (width / 10_000) * end;
      const from = (zoom.start / 100) * end;
      const to = (zoom.end / 100) * end;
      const next = { ArrowRight: (cursor < 0 ? from : cursor) + step, ArrowLeft: (cursor < 0 ? to : cursor) - step, Home: from, End: to }[
        event.key
      ];
      if (next === undefined) return;
      event.preventDefault();
      cursor = Math.min(Math.max(from, next), to);
      const [x] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [seconds(cursor), 0]);
      chart.dispatchAction({ type: 'showTip', x, y: 60 });
      spoken.textContent = `${seconds(cursor).toFixed(3)} s. ${flows
        .flatMap((flow, i) => (visibleOf(i) ? [`${names[i]}: ${valuesOf(flow, cursor).join(', ') || 'not begun'}`] : []))
        .join('. ')}`;
    });
    element.addEventListener('blur', () => chart.dispatchAction({ type: 'hideTip' }));

    return {
      flowColour: (i) => page.colour(`flow-${i % 6}`),
      hide() {
        page.place(chart, false);
      },
      show(next) {
        page.place(chart, true);
        ({ runs, names, rate } = next);
        visibleOf = next.visible ?? (() => true);
        flows = runs.flatMap((run) => run.flows.map((flow) => ({ ...flow, run })));
        end = Math.max(1, ...runs.map((run) => run.endedAt));
        draw();
      },
    };
  };
})();
