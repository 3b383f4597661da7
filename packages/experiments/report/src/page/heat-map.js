// Runs in the browser, inlined after chart.js: a matrix as colours, gone through by keys.
(() => {
  const { colour, textStyle, tooltip, escapeHtml, ms, grouped, shortName } = page;
  const STEPS = 7;
  const CELL = 16;
  const short = (micros) => (micros < 9_950 ? grouped(micros / 1000, 1) : grouped(micros / 1000, 0));

  /**
   * A matrix of times in an element.
   * @returns what draws it, or says that there is none: rows with names and numbers, names of columns, `value(row, column)` in µs, `outlined`, `text` for one cell, and
   *          `largest`, where the scale ends
   */
  window.page.heatMap = (element, spoken) => {
    const chart = page.chart(element, 'svg');
    let shown;
    let at = { row: -1, column: -1 };
    let cells = [];
    const indexOf = ({ row, column }) => cells.findIndex(({ value }) => value[0] === column && value[1] === row);
    element.addEventListener('keydown', (event) => {
      if (shown === undefined) return;
      if (event.key === 'Escape') chart.dispatchAction({ type: 'hideTip' });
      const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [];
      const within = (value, length) => Math.min(Math.max(value, 0), length - 1);
      if (event.key === 'Home') at = { row: 0, column: 0 };
      else if (event.key === 'End') at = { row: shown.rows.length - 1, column: shown.columns.length - 1 };
      else if (down === undefined) return;
      else if (at.row < 0) at = { row: 0, column: 0 };
      else at = { row: within(at.row + down, shown.rows.length), column: within(at.column + right, shown.columns.length) };
      event.preventDefault();
      const index = indexOf(at);
      chart.dispatchAction(index < 0 ? { type: 'hideTip' } : { type: 'showTip', seriesIndex: 0, dataIndex: index });
      spoken.textContent = shown.text(at.row, at.column);
    });
    element.addEventListener('blur', () => {
      at = { row: -1, column: -1 };
      chart.dispatchAction({ type: 'hideTip' });
    });
    return (matrix) => {
      element.hidden = false; // has a width again
      shown = matrix;
      if (!page.place(chart, matrix !== undefined)) return;
      const { rows, columns, value, outlined, text, rowTitle, columnTitle, largest } = matrix;
      const narrow = element.clientWidth < 480;
      const labels = narrow ? 90 : Math.min(170, element.clientWidth * 0.28);
      const cell = rows.length > 60 ? 7 : rows.length > 30 ? 12 : CELL;
      element.style.height = `${rows.length * cell + 116}px`;
      chart.resize();
      // of no change there is nothing to draw, nor to point at
      cells = rows.flatMap((_, row) =>
        columns.flatMap((_name, column) => {
          const micros = value(row, column);
          if (micros === 0 && !outlined(row, column)) return [];
          return [
            micros === 0
              ? { value: [column, row, 0], visualMap: false, itemStyle: { color: 'transparent' } }
              : { value: [column, row, micros] },
          ];
        }),
      );
      const marked = rows.flatMap((_, row) => columns.flatMap((_name, column) => (outlined(row, column) ? [[column, row]] : [])));
      // of two colours, to be seen on every shade
      const [dark, light] = [colour('ink'), colour('paper')];
      const outline = (_params, api) => {
        const [x, y] = api.coord([api.value(0), api.value(1)]);
        const [width, height] = api.size([1, 1]);
        const rect = (inset, stroke, lineWidth) => ({
          type: 'rect',
          shape: { x: x - width / 2 + inset, y: y - height / 2 + inset, width: width - 2 * inset, height: height - 2 * inset },
          style: { fill: 'none', stroke, lineWidth },
        });
        return { type: 'group', children: [rect(1.8, light, 1.2), rect(0.7, dark, 1.2)] };
      };
      const style = textStyle(narrow);
      const shades = Array.from({ length: STEPS }, (_, i) => colour(`heat-${i + 1}`));
      const pieces = shades.map((color, i) => ({
        gt: (largest * i) / STEPS,
        ...(i < STEPS - 1 ? { lte: (largest * (i + 1)) / STEPS } : {}),
        color,
        label: `${short((largest * (i + 1)) / STEPS)}${i === STEPS - 1 ? ' ms' : ''}`,
      }));
      if (cells.some((one) => one.value[2] < 0)) pieces.unshift({ lt: 0, color: colour('earlier'), label: 'earlier' });
      const axis = (names, more) => ({
        type: 'category',
        data: names,
        axisLine: { lineStyle: { color: colour('line') } },
        axisTick: { show: false },
        splitArea: { show: false },
        nameTextStyle: style,
        ...more,
      });
      chart.setOption(
        {
          animation: false,
          textStyle: style,
          grid: { left: labels + 8, right: 14, top: 52, bottom: 56, show: true, borderColor: colour('line') },
          tooltip: tooltip({
            trigger: 'item',
            formatter: ({ dataIndex }) => escapeHtml(text(cells[dataIndex].value[1], cells[dataIndex].value[0])),
          }),
          visualMap: {
            type: 'piecewise',
            dimension: 2,
            pieces,
            orient: 'horizontal',
            left: 0,
            bottom: 0,
            itemWidth: narrow ? 10 : 18,
            itemHeight: 12,
            itemGap: narrow ? 3 : 10,
            selectedMode: false,
            textStyle: style,
          },
          xAxis: axis(columns, {
            position: 'top',
            name: columnTitle,
            nameLocation: 'middle',
            nameGap: 24,
            axisLabel: { ...style, hideOverlap: true, interval: 0 },
          }),
          yAxis: axis(
            rows.map(({ name, number }) => `${shortName(name, Math.floor(labels / 6.4) - 4)} ${number}`.trim()),
            {
              inverse: true,
              name: rowTitle,
              nameLocation: 'start',
              nameGap: 24,
              nameTextStyle: { ...style, align: 'right' },
              axisLabel: { ...style, interval: cell < 12 ? 'auto' : 0, width: labels, overflow: 'truncate' },
            },
          ),
          series: [
            { type: 'heatmap', data: cells, emphasis: { itemStyle: { borderColor: colour('ink'), borderWidth: 2 } } },
            { type: 'custom', silent: true, z: 3, encode: { x: 0, y: 1 }, data: marked, renderItem: outline },
          ],
        },
        { notMerge: true },
      );
    };
  };

  const MOST_STREAMS = 40;

  /** Of a run with its account: who waited for whose octets, how long. Nothing where nobody waited. */
  window.page.blame = ({ streams }) => {
    const waited = new Map(); // stream → (stream or 'connection' → µs)
    for (const { id, intervals } of streams)
      for (const { from, to, blame } of intervals) {
        const whom = blame === 'own' ? id : blame;
        if (!waited.has(id)) waited.set(id, new Map());
        waited.get(id).set(whom, (waited.get(id).get(whom) ?? 0) + to - from);
      }
    if (waited.size === 0) return undefined;
    const sum = (times) => [...times.values()].reduce((total, time) => total + time, 0);
    const most = [...waited].sort((a, b) => sum(b[1]) - sum(a[1])).slice(0, MOST_STREAMS);
    const rows = streams.flatMap(({ id }, i) => (most.some(([own]) => own === id) ? [i] : []));
    const blamed = new Map();
    for (const [, times] of most) for (const [whom, time] of times) blamed.set(whom, (blamed.get(whom) ?? 0) + time);
    const kept = new Set(
      [...blamed]
        .sort((a, b) => b[1] - a[1])
        .slice(0, MOST_STREAMS)
        .map(([whom]) => whom),
    );
    const columns = [...(kept.has('connection') ? [-1] : []), ...streams.flatMap(({ id }, i) => (kept.has(id) ? [i] : []))];
    const whomOf = (column) => (columns[column] < 0 ? 'connection' : streams[columns[column]].id);
    const value = (row, column) => waited.get(streams[rows[row]].id).get(whomOf(column)) ?? 0;
    const left = [
      ...(waited.size > rows.length ? [`${waited.size - rows.length} streams that waited less`] : []),
      ...(blamed.size > columns.length ? [`${blamed.size - columns.length} streams that were waited for less`] : []),
    ];
    return {
      rows: rows.map((i) => ({ name: streams[i].file, number: i + 1 })),
      columns: columns.map((i) => (i < 0 ? 'conn' : String(i + 1))),
      rowTitle: 'waited',
      columnTitle: 'for octets of stream number',
      value,
      outlined: (row, column) => rows[row] === columns[column],
      text: (row, column) => {
        const own = rows[row] === columns[column];
        const whom =
          columns[column] < 0 ? 'the connection itself' : own ? 'its own' : `${streams[columns[column]].file} (${columns[column] + 1})`;
        return `${streams[rows[row]].file} waited ${ms(value(row, column))} for octets of ${whom}`.replace(
          'octets of its own',
          'octets of its own that were lost',
        );
      },
      largest: Math.max(1, ...rows.flatMap((_, row) => columns.map((_column, column) => value(row, column)))),
      waited: waited.size,
      left: left.length === 0 ? '' : ` Left out: ${left.join(', ')}.`,
    };
  };
})();
