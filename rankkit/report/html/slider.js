// The slider chooses a measurement: its numbers go into the table's cells, its spectra into the picture.
{
  const data = JSON.parse(document.getElementById('data').textContent);
  const slider = document.getElementById('step'), at = document.getElementById('at');
  const picture = document.getElementById('spectra'), rows = document.querySelectorAll('#modules tbody tr');
  const left = 46, right = 630, top = 10, bottom = 222, lowest = -data.decades;
  const text = (value, digits) => value === null ? '-' : Number(value.toPrecision(digits)).toString();
  const element = (name, attributes, words) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (words !== undefined) made.textContent = words;
    picture.append(made);
  };
  const x = index => left + (right - left) * (data.longest > 1 ? index / (data.longest - 1) : 0.5);
  const y = value => top + (bottom - top) * Math.min(Math.max(Math.log10(value), lowest), 0) / lowest;
  const line = (values, colour, width) => {
    const points = values.filter(value => value > 0).map((value, index) => `${x(index).toFixed(1)},${y(value / values[0]).toFixed(1)}`);
    if (points.length) element('polyline', {points: points.join(' '), fill: 'none', stroke: colour, 'stroke-width': width});
  };
  const draw = () => {
    const now = data.measured[slider.value], last = data.measured[data.measured.length - 1];
    at.textContent = now.step;
    rows.forEach((row, place) => {
      const status = now.status[place] ?? 'not there', known = status === 'ok' || status === 'assumed';
      const numbers = data.columns.map((name, column) => known ? now.values[column][place] : null);
      row.className = status;
      [...row.cells].slice(1, -1).forEach((cell, column) => {
        cell.textContent = text(numbers[column], 4);
        numbers[column] === null ? delete cell.dataset.v : cell.dataset.v = numbers[column];
      });
      row.cells[row.cells.length - 1].textContent = status;
    });
    picture.replaceChildren();
    for (let power = 0; power >= lowest; power--) {
      const height = y(10 ** power);
      element('line', {x1: left, x2: right, y1: height, y2: height, stroke: '#e4e4e4'});
      element('text', {x: left - 6, y: height + 4, 'text-anchor': 'end', 'font-size': 11}, power ? `1e${power}` : '1');
    }
    const few = Math.max(1, Math.ceil((data.longest - 1) / 8));
    for (let index = 0; index < data.longest; index += few)
      element('text', {x: x(index), y: bottom + 16, 'text-anchor': 'middle', 'font-size': 11}, index + 1);
    element('text', {x: (left + right) / 2, y: bottom + 34, 'text-anchor': 'middle', 'font-size': 11}, 'index of the singular value');
    last.spectra.forEach(values => line(values, '#c8c8c8', 0.8));
    now.spectra.forEach(values => line(values, '#0072b2', 0.9));
  };
  slider.addEventListener('input', draw);
  draw();
}
