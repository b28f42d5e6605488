// How the report looks.
// Text for a style element; uPlot brings its own.

export const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:1.5rem auto;padding:0 1rem;color:#1a202c;background:#fafafa}
h1{font-size:1.3rem;overflow-wrap:anywhere}h2{font-size:1rem;margin:1.4rem 0 .3rem}small{font-weight:400;color:#718096}
.verdict{padding:.5rem .9rem;border-left:4px solid #38a169;background:#f0fff4;font-weight:500}.verdict.bad{border-color:#e53e3e;background:#fff5f5}
.tiles{display:flex;flex-wrap:wrap;gap:.6rem}.tiles div{background:#fff;border:1px solid #e2e8f0;border-radius:4px;padding:.4rem .8rem;color:#718096;font-size:.85rem}.tiles b{display:block;color:#1a202c;font-size:1.1rem;font-variant-numeric:tabular-nums}
section{background:#fff;border:1px solid #e2e8f0;border-radius:4px;padding:.2rem .8rem .5rem;margin-top:.8rem}section h2{margin:.4rem 0}
.note{color:#718096}table{border-collapse:collapse;width:100%;background:#fff}th,td{text-align:left;vertical-align:top;padding:.25rem .7rem;border-bottom:1px solid #e2e8f0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}th{font-weight:500;color:#718096}
summary{font-weight:600;margin:1.4rem 0 .3rem;cursor:pointer}td:nth-child(-n+3){white-space:nowrap}
.u-legend{text-align:left;font-size:.85rem}`;
