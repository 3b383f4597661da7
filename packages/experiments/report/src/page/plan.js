// Runs in the browser, inlined after chart.js: figures of a plan's runs, their spread, what they do as something varies, and states.
(() => {
  const { result: data, chart, colour, textStyle, tooltip, escapeHtml, grouped, redraw } = page;
  if (Object.keys(data.figures).length === 0) return; // every run came to nothing
  const element = (id) => document.getElementById(id);
  const selects = ['figure', 'variant', 'variable'].map(element);
  const [figureChoice, variantChoice, variableChoice] = selects;
  const varied = data.variables.flatMap(({ values }, i) => (values.length > 1 ? [i] : []));
  const chosen = {
    figure: () => figureChoice.value,
    variant: () => Number(variantChoice?.value ?? 0),
    variable: () => Number(variableChoice?.value ?? varied[0] ?? 0),
  };

  const shown = (value, name) => {
    const { by, decimals, unit } = data.figures[name];
    return `${grouped(value / by, decimals)}${unit === '' ? '' : ` ${unit}`}`;
  };
  const scaled = (value, name) => value / data.figures[name].by;
  const heading = (name) => {
    const { heading: title, unit } = data.figures[name];
    return unit === '' ? title : `${title}, ${unit}`;
  };
  const subjectColour = (i) => colour(`flow-${i % 6}`);
  const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'emptyCircle', 'emptyRect', 'emptyTriangle', 'emptyDiamond', 'pin'];
  const subjectLine = (i) => ({ color: subjectColour(i), width: 2, type: ['solid', 'dashed', 'dotted'][Math.floor(i / 6) % 3] });
  const cellsOf = (variant) => data.cells.filter((cell) => cell.variant === variant);
  /** The value below which so much of all lies. */
  const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];

  /** A line for each row, with what was run at its left. */
  const subjectAxis = (rows, width, narrow) => ({
    type: 'category',
    inverse: true,
    data: rows.map(({ subject }) => data.subjects[subject]),
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...textStyle(narrow), color: colour('ink'), interval: 0, width, overflow: 'truncate' },
  });
  const axes = (narrow) => {
    const axisLine = { show: true, lineStyle: { color: colour('line') } };
    const axisLabel = { ...textStyle(narrow), hideOverlap: true };
    const splitLine = { lineStyle: { color: colour('line'), opacity: 0.6 } };
    return { axisLine, axisLabel, splitLine, axisTick: { show: false } };
  };
  const legend = (narrow) => ({
    type: 'scroll',
    top: 0,
    left: 0,
    textStyle: { ...textStyle(narrow), color: colour('ink') },
    pageTextStyle: { color: colour('quiet') },
    pageIconColor: colour('quiet'),
    itemWidth: 24,
  });

  /** Something that is drawn, and gone through by keys: `points` are read out one by one. */
  function drawing(id, keys, make) {
    const at = element(id);
    if (at === null) return () => {};
    const drawn = chart(at, 'svg');
    const spoken = at.parentElement.querySelector('[aria-live]');
    let points = [];
    let cursor = -1;
    at.addEventListener('keydown', (event) => {
      const last = points.length - 1;
      const [forward, back] = keys;
      const next = { [forward]: Math.min(cursor + 1, last), [back]: Math.max(cursor - 1, 0), Home: 0, End: last }[event.key];
      if (event.key === 'Escape') drawn.dispatchAction({ type: 'hideTip' });
      if (next === undefined || last < 0) return;
      event.preventDefault();
      cursor = next;
      const { text, series, index } = points[cursor];
      drawn.dispatchAction({ type: 'showTip', seriesIndex: series, dataIndex: index });
      spoken.textContent = text;
    });
    at.addEventListener('blur', () => {
      cursor = -1;
      drawn.dispatchAction({ type: 'hideTip' });
    });
    return () => {
      at.hidden = false; // has a width again
      const narrow = at.clientWidth < 480;
      const made = make(narrow, at.clientWidth);
      points = made?.points ?? [];
      if (!page.place(drawn, made !== undefined)) return;
      const { height, option } = made;
      at.style.height = `${height}px`;
      drawn.resize();
      drawn.setOption({ animation: false, textStyle: textStyle(narrow), ...option }, { notMerge: true });
    };
  }
  const VERTICAL = ['ArrowDown', 'ArrowUp'];
  const HORIZONTAL = ['ArrowRight', 'ArrowLeft'];

  const boxes = drawing('boxes', VERTICAL, (narrow, width) => {
    const name = chosen.figure();
    const rows = cellsOf(chosen.variant()).filter((cell) => cell.values[name] !== undefined);
    if (rows.length === 0) return undefined;
    const labels = narrow ? 84 : Math.min(170, width * 0.3);
    const ROW = 44;
    const summary = ({ subject, seeds, values, medians }) => {
      const own = values[name];
      return (
        `${data.subjects[subject]}: median ${shown(medians[name], name)}, middle half ${shown(quantile(own, 0.25), name)} to ${shown(quantile(own, 0.75), name)}, ` +
        `from ${shown(own[0], name)} to ${shown(own.at(-1), name)}, ${seeds} runs`
      );
    };
    return {
      height: rows.length * ROW + 56,
      points: rows.map((cell, i) => ({ text: summary(cell), series: 0, index: i })),
      option: {
        grid: { left: labels + 8, right: 18, top: 8, bottom: 44 },
        tooltip: tooltip({
          trigger: 'item',
          formatter: ({ seriesIndex, dataIndex }) => (seriesIndex === 0 ? escapeHtml(summary(rows[dataIndex])) : ''),
        }),
        xAxis: {
          type: 'value',
          scale: true,
          ...axes(narrow),
          name: heading(name),
          nameLocation: 'middle',
          nameGap: 28,
          nameTextStyle: textStyle(narrow),
          splitNumber: narrow ? 3 : 5,
        },
        yAxis: subjectAxis(rows, labels, narrow),
        series: [
          {
            type: 'custom',
            data: rows.map(({ values, medians }, i) => [
              i,
              ...[0, 0.25, 0.75, 1].map((share) => scaled(share === 0 ? values[name][0] : quantile(values[name], share), name)),
              scaled(medians[name], name),
            ]),
            encode: { x: [1, 2, 3, 4, 5], y: 0 },
            renderItem: (params, api) => {
              const x = (dimension) => api.coord([api.value(dimension), api.value(0)])[0];
              const y = api.coord([0, api.value(0)])[1];
              const stroke = subjectColour(rows[params.dataIndex].subject);
              const line = (x1, y1, x2, y2, lineWidth) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke, lineWidth } });
              return {
                type: 'group',
                children: [
                  line(x(1), y - 6, x(2), y - 6, 1.2),
                  line(x(3), y - 6, x(4), y - 6, 1.2),
                  {
                    type: 'rect',
                    shape: { x: x(2), y: y - 14, width: Math.max(1, x(3) - x(2)), height: 16 },
                    style: { fill: colour('paper'), stroke, lineWidth: 1.4 },
                  },
                  line(x(5), y - 16, x(5), y + 4, 3),
                ],
              };
            },
          },
          ...rows.map(({ subject, values }, i) => ({
            type: 'scatter',
            silent: true,
            symbol: 'circle',
            symbolSize: 4,
            itemStyle: { color: subjectColour(subject), opacity: values[name].length > 60 ? 0.35 : 0.7 },
            symbolOffset: [0, 10],
            data: values[name].map((value) => [scaled(value, name), i]),
          })),
        ],
      },
    };
  });

  const SHARES = [0.05, 0.25, 0.5, 0.75, 0.95];
  const ecdf = drawing('ecdf', HORIZONTAL, (narrow) => {
    const name = chosen.figure();
    const rows = cellsOf(chosen.variant()).filter((cell) => cell.values[name] !== undefined);
    if (rows.length === 0) return undefined;
    return {
      height: Math.max(240, Math.min(420, rows.length * 44 + 56)),
      points: SHARES.map((share) => ({
        text: `${share * 100}% of the runs have at most: ${rows.map(({ subject, values }) => `${data.subjects[subject]} ${shown(quantile(values[name], share), name)}`).join(', ')}`,
      })),
      option: {
        grid: { left: 42, right: 18, top: 34, bottom: 44 },
        legend: legend(narrow),
        tooltip: tooltip({
          trigger: 'item',
          formatter: ({ seriesName, value: [x, share] }) =>
            `<b>${escapeHtml(seriesName)}</b><br>${Math.round(share)}% of the runs: ${shown(x * data.figures[name].by, name)} or less`,
        }),
        xAxis: {
          type: 'value',
          scale: true,
          ...axes(narrow),
          name: heading(name),
          nameLocation: 'middle',
          nameGap: 28,
          nameTextStyle: textStyle(narrow),
          splitNumber: narrow ? 3 : 5,
        },
        yAxis: { type: 'value', min: 0, max: 100, ...axes(narrow), axisLabel: { ...textStyle(narrow), formatter: '{value}%' } },
        series: rows.map(({ subject, values }) => {
          const own = values[name];
          const last = own.length - 1;
          return {
            name: data.subjects[subject],
            type: 'line',
            step: 'end',
            symbol: SYMBOLS[subject % SYMBOLS.length],
            symbolSize: 7,
            showSymbol: true,
            // signs stand at a few places only, to tell lines apart
            data: own.map((value, i) => ({
              value: [scaled(value, name), (100 * (i + 1)) / own.length],
              symbol: SHARES.some((share) => i === Math.round(share * last)) ? SYMBOLS[subject % SYMBOLS.length] : 'none',
            })),
            lineStyle: subjectLine(subject),
            itemStyle: { color: subjectColour(subject) },
          };
        }),
      },
    };
  });

  const sweep = drawing('sweep', HORIZONTAL, (narrow) => {
    const name = chosen.figure();
    const variable = chosen.variable();
    const { key, values } = data.variables[variable];
    const fixed = data.variants[chosen.variant()].values;
    const at = values.map((value) =>
      data.variants.findIndex((variant) => variant.values.every((own, i) => own === (i === variable ? value : fixed[i]))),
    );
    const cellAt = (step, subject) => data.cells.find((cell) => cell.variant === at[step] && cell.subject === subject);
    const present = data.subjects
      .map((_, i) => i)
      .filter((subject) => values.some((_, step) => cellAt(step, subject)?.medians[name] !== undefined));
    if (present.length === 0) return undefined;
    const intervalText = (cell) => {
      const interval = cell.intervals[name];
      return interval === undefined ? '' : ` [${shown(interval[0], name)}, ${shown(interval[1], name)}]`;
    };
    const text = (step) =>
      `${key} ${values[step]}: ${present
        .flatMap((subject) => {
          const cell = cellAt(step, subject);
          return cell?.medians[name] === undefined
            ? []
            : [`${data.subjects[subject]} ${shown(cell.medians[name], name)}${intervalText(cell)}`];
        })
        .join('; ')}`;
    // beside each other, so that bars do not cover bars; in steps of the axis
    const shift = (i) => (i - (present.length - 1) / 2) * Math.min(0.04, 0.3 / present.length);
    const steps = values.map((_, step) => step);
    return {
      height: 340,
      points: values.map((_, step) => ({ text: text(step), series: 0, index: step })),
      option: {
        grid: { left: 62, right: 18, top: 60, bottom: 44 },
        legend: { ...legend(narrow), data: present.map((subject) => data.subjects[subject]) },
        tooltip: tooltip({
          trigger: 'axis',
          formatter: ([{ dataIndex }]) => escapeHtml(text(dataIndex)).replaceAll('; ', '<br>').replace(': ', '<br>'),
        }),
        xAxis: {
          type: 'value',
          min: -0.5,
          max: values.length - 0.5,
          ...axes(narrow),
          axisLabel: { ...textStyle(narrow), hideOverlap: true, customValues: steps, formatter: (step) => values[step] ?? '' },
          axisTick: { show: true, customValues: steps, lineStyle: { color: colour('line') } },
          splitLine: { show: false },
          name: key,
          nameLocation: 'middle',
          nameGap: 28,
          nameTextStyle: textStyle(narrow),
        },
        yAxis: {
          type: 'value',
          scale: true,
          ...axes(narrow),
          axisLine: { show: true, onZero: false, lineStyle: { color: colour('line') } },
          name: heading(name),
          nameTextStyle: { ...textStyle(narrow), align: 'left' },
          nameGap: 8,
          nameLocation: 'end',
          show: true,
        },
        series: [
          ...present.map((subject, i) => ({
            name: data.subjects[subject],
            type: 'line',
            symbol: SYMBOLS[subject % SYMBOLS.length],
            symbolSize: 8,
            data: values.map((_, step) => {
              const median = cellAt(step, subject)?.medians[name];
              return median === undefined ? null : [step + shift(i), scaled(median, name)];
            }),
            lineStyle: subjectLine(subject),
            itemStyle: { color: subjectColour(subject) },
          })),
          ...present.map((subject, i) => ({
            type: 'custom',
            silent: true,
            z: 1,
            data: values.flatMap((_, step) => {
              const interval = cellAt(step, subject)?.intervals[name];
              return interval === undefined ? [] : [[step + shift(i), scaled(interval[0], name), scaled(interval[1], name)]];
            }),
            encode: { x: 0, y: [1, 2] },
            renderItem: (_params, api) => {
              const [x, low] = api.coord([api.value(0), api.value(1)]);
              const [, high] = api.coord([api.value(0), api.value(2)]);
              const line = (x1, y1, x2, y2) => ({
                type: 'line',
                shape: { x1, y1, x2, y2 },
                style: { stroke: subjectColour(subject), lineWidth: 1.6 },
              });
              return {
                type: 'group',
                children: [line(x, low, x, high), line(x - 3, low, x + 3, low), line(x - 3, high, x + 3, high)],
              };
            },
          })),
        ],
      },
    };
  });

  const FAMILIES = ['waiting', 'server', 'stalled', 'transit', 'undetected', 'other', 'held']; // as a life goes
  const states = drawing('states', VERTICAL, (narrow, width) => {
    const rows = cellsOf(chosen.variant()).filter((cell) => cell.states.length > 0);
    if (rows.length === 0) return undefined;
    const labels = narrow ? 84 : Math.min(170, width * 0.3);
    const parts = rows.flatMap((cell, row) => {
      let from = 0;
      const sorted = cell.states.toSorted(([a], [b]) => FAMILIES.indexOf(data.states[a].family) - FAMILIES.indexOf(data.states[b].family));
      return sorted.map(([state, time]) => {
        const part = { row, state, from, to: from + time, subject: cell.subject };
        from += time;
        return part;
      });
    });
    const text = (cell) =>
      `${data.subjects[cell.subject]}: ${cell.states
        .toSorted((a, b) => b[1] - a[1])
        .map(([state, time]) => `${data.states[state].name} ${page.ms(time)}`)
        .join(', ')}`;
    return {
      height: rows.length * 34 + 56,
      points: rows.map((cell, row) => ({ text: text(cell), series: 0, index: parts.findIndex((part) => part.row === row) })),
      option: {
        grid: { left: labels + 8, right: 18, top: 8, bottom: 44 },
        tooltip: tooltip({
          trigger: 'item',
          formatter: ({ dataIndex }) => {
            const { state, from, to, row } = parts[dataIndex];
            return `<b>${escapeHtml(data.states[state].name)}</b>: ${page.ms(to - from)}<br>${escapeHtml(text(rows[row]))}`;
          },
        }),
        xAxis: {
          type: 'value',
          ...axes(narrow),
          name: 'ms',
          nameLocation: 'middle',
          nameGap: 28,
          nameTextStyle: textStyle(narrow),
          splitNumber: narrow ? 3 : 8,
        },
        yAxis: subjectAxis(rows, labels, narrow),
        series: [
          {
            type: 'custom',
            encode: { x: [1, 2], y: 0 },
            data: parts.map(({ row, from, to }) => [row, from / 1000, to / 1000]),
            renderItem: (params, api) => {
              const [from, y] = api.coord([api.value(1), api.value(0)]);
              const [to] = api.coord([api.value(2), api.value(0)]);
              return page.stateBar(data.states[parts[params.dataIndex].state].family, from, to, y, 22);
            },
          },
        ],
      },
    };
  });

  /** The table of every figure, for what was chosen. */
  function fillTable() {
    const cells = cellsOf(chosen.variant());
    const names = Object.keys(data.figures);
    for (const [i, row] of [...document.querySelectorAll('table.all tbody tr')].entries())
      for (const [subject, box] of [...row.querySelectorAll('td')].entries()) {
        const median = cells.find((cell) => cell.subject === subject)?.medians[names[i]];
        const { by, decimals } = data.figures[names[i]];
        box.textContent = median === undefined ? '–' : grouped(median / by, decimals);
      }
    for (const where of document.querySelectorAll('.where')) where.textContent = data.variants[chosen.variant()].label;
  }

  const draw = () => {
    boxes();
    ecdf();
    sweep();
    states();
    fillTable();
  };
  for (const select of selects) select?.addEventListener('change', draw);
  redraw(draw);
})();
