// A click on a column's head sorts by it, again turns it round; what is not known stays last.
{
  const heads = document.querySelectorAll('.sortable th');
  heads.forEach((head, column) => head.addEventListener('click', () => {
    const body = document.querySelector('.sortable tbody'), up = head.getAttribute('aria-sort') !== 'ascending';
    const key = ({cells: {[column]: cell}}) =>
      cell.classList.contains('number') ? ('v' in cell.dataset ? Number(cell.dataset.v) : NaN) : cell.textContent;
    const order = (a, b) => typeof a === 'string' ? a.localeCompare(b, undefined, {numeric: true}) : a - b;
    const rows = [...body.rows].map(row => [key(row), row]);
    rows.sort(([a], [b]) => Number.isNaN(a) - Number.isNaN(b) || (Number.isNaN(a) ? 0 : (up ? 1 : -1) * order(a, b)));
    body.append(...rows.map(([, row]) => row));
    heads.forEach(other => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  }));
}
