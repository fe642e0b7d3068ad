'use strict';
(() => {
  const copy = async button => {
    const code = button.parentElement.querySelector('code');
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      done = document.execCommand('copy');
    }
    const before = button.dataset.label || (button.dataset.label = button.textContent);
    button.textContent = done ? 'copied' : 'press Ctrl+C';
    button.toggleAttribute('data-done', done);
    const told = document.getElementById('told');
    if (told) told.textContent = done ? 'copied' : 'selected; press Ctrl+C';
    setTimeout(() => { button.textContent = before; button.removeAttribute('data-done'); }, 1800);
  };

  document.addEventListener('click', event => {
    const button = event.target.closest('.copy button');
    if (button) copy(button);
  });
})();
