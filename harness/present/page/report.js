'use strict';
(() => {
  const $ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const text = document.getElementById('filter-text');
  const buttons = $('.filter button[data-group]');
  const runs = $('.run');
  const shown = document.getElementById('shown');

  // A packed run: its sections are in a pack, with those of other runs.
  const packs = new Map();
  const unpack = async id => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).content.textContent), c => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return JSON.parse(await new Response(stream).text());
  };
  const fill = async run => {
    const body = run.querySelector('.body[data-pack]');
    if (!body || !run.open) return;
    const id = `pack-${body.dataset.pack}`;
    if (!packs.has(id)) packs.set(id, unpack(id));
    const sections = await packs.get(id);
    if (!body.dataset.pack) return;
    body.innerHTML = sections.map(texts => texts[Number(body.dataset.at)]).join('');
    delete body.dataset.pack;
  };

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = new Set(buttons.filter(b => b.getAttribute('aria-pressed') === 'true').map(b => b.dataset.group));
    let count = 0;
    for (const run of runs) {
      const fits = groups.has(run.dataset.group) && words.every(word => run.dataset.words.includes(word));
      run.hidden = !fits;
      count += fits;
    }
    for (const link of $('.grid td a')) {
      const run = document.getElementById(link.hash.slice(1));
      link.hidden = run !== null && run.hidden;
    }
    for (const row of $('.grid tbody tr.scenario')) row.hidden = !row.querySelector('td a:not([hidden])');
    for (const body of $('.grid tbody')) body.hidden = !body.querySelector('tr.scenario:not([hidden])');
    shown.textContent = `${count} of ${runs.length} runs`;
    document.getElementById('none').hidden = count > 0;
  };

  const follow = () => {
    const run = /^#run-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (!run) return;
    if (run.hidden) {
      text.value = '';
      buttons.forEach(button => button.setAttribute('aria-pressed', 'true'));
      filter();
    }
    run.open = true;
    run.scrollIntoView({ block: 'start' });
    run.querySelector('summary').focus({ preventScroll: true });
  };

  text.addEventListener('input', filter);
  text.addEventListener('keydown', event => {
    if (event.key === 'Escape') { text.value = ''; filter(); }
  });
  for (const button of buttons) {
    button.addEventListener('click', () => {
      button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
      filter();
    });
  }
  document.addEventListener('toggle', event => { if (event.target.matches('.run')) fill(event.target); }, true);
  document.getElementById('open-all').addEventListener('click', event => {
    const open = event.target.getAttribute('aria-expanded') !== 'true';
    for (const run of runs) if (!run.hidden) run.open = open;
    event.target.setAttribute('aria-expanded', String(open));
    event.target.textContent = open ? 'close all' : 'open all';
  });
  document.addEventListener('keydown', event => {
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && event.target !== text) {
      event.preventDefault();
      text.focus();
      text.select();
    }
  });
  addEventListener('hashchange', follow);
  addEventListener('beforeprint', () => {
    for (const run of $('.run.wanted-not:not([open])')) { run.open = true; run.dataset.printed = ''; }
  });
  addEventListener('afterprint', () => {
    for (const run of $('.run[data-printed]')) { run.open = false; delete run.dataset.printed; }
  });
  filter();
  follow();
})();
