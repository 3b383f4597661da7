// Runs in the browser, inlined with every page: what is underlined shows its definition, for pointer and keyboard.
(() => {
  const tip = document.getElementById('tip');
  let explained = null; // the term whose definition is shown
  function explain(term) {
    explained = term;
    tip.hidden = term === null;
    if (term === null) return;
    tip.textContent = document.getElementById(term.getAttribute('aria-describedby')).textContent;
    const box = term.getBoundingClientRect();
    const below = box.bottom + 6;
    tip.style.left = `${Math.max(12, Math.min(box.left, innerWidth - tip.offsetWidth - 12))}px`;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? box.top - tip.offsetHeight - 6 : below}px`;
  }
  for (const term of document.querySelectorAll('.term')) {
    term.addEventListener('mouseenter', () => explain(term));
    term.addEventListener('focus', () => explain(term));
    term.addEventListener('mouseleave', () => explain(null));
    term.addEventListener('blur', () => explain(null));
  }
  addEventListener('keydown', (event) => event.key === 'Escape' && explain(null));
  addEventListener('scroll', () => explain(explained), { capture: true, passive: true });
})();
