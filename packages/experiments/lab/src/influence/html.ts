import { INFLUENCE_DEFINITIONS, INFLUENCE_FIGURES } from '@quiclab/report';
import type { InfluenceJson } from './command.ts';
import { escapeXml, heatMaps, scaleOf } from './heat-map.ts';

const STYLE =
  ':root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:60rem;padding:0 1rem;background:light-dark(#fff,#0d1117);color:light-dark(#1f2328,#e6edf3)}' +
  'h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.5rem 0 .2rem}p{margin:.2rem 0 .6rem}.maps{display:flex;flex-wrap:wrap;align-items:flex-start;gap:1rem}.maps svg{max-width:100%;height:auto}dt{font-weight:600}dd{margin:0}';

/** All matrices as one page that needs nothing else: a picture for each figure and model, all of a figure on one scale. */
export function influencePage({ run, matrices }: InfluenceJson): string {
  const sections = INFLUENCE_FIGURES.map((figure) => {
    const { name, definition } = INFLUENCE_DEFINITIONS[figure];
    const scale = scaleOf(matrices, figure);
    const maps = matrices.map((one) => heatMaps([one], figure, scale)).join('');
    return `<h2>${name}</h2><p>${definition[0]!.toUpperCase()}${definition.slice(1)}.</p><div class="maps">${maps}</div>`;
  });
  const names = matrices[0]?.streams.map(({ id }, i) => `${i + 1} ${escapeXml(id)}`).join(', ');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Influence of a lost packet</title><style>${STYLE}</style></head>
<body><h1>Who waits for a lost packet?</h1>
<p>Simulated: ${escapeXml(run)}. Each row is a run in which exactly that packet from the server was dropped, against the run without loss; outlined are the streams that it carried. Point at a cell for its value.</p>
${sections.join('\n')}
<p>Streams: ${names}.</p></body></html>
`;
}
