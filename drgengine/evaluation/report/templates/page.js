(function () {
  "use strict";
  var root = document.documentElement;
  var errors = (window.__errors = []);
  window.addEventListener("error", function (event) { errors.push(String(event.message)); });
  window.addEventListener("unhandledrejection", function (event) { errors.push(String(event.reason)); });

  var base = JSON.parse(document.getElementById("base").textContent);
  var charts = Array.prototype.slice.call(document.querySelectorAll(".chart"));
  var drawn = 0;
  root.dataset.charts = charts.length;
  root.dataset.drawn = 0;

  function merged(below, above) {
    if (above === undefined) { return below; }
    if (!below || !above || typeof below !== "object" || typeof above !== "object" || Array.isArray(above)) {
      return above;
    }
    var result = {};
    Object.keys(below).concat(Object.keys(above)).forEach(function (key) { result[key] = merged(below[key], above[key]); });
    return result;
  }

  function layoutOf(own) {
    var layout = merged(base.layout, own);
    Object.keys(layout).forEach(function (key) {
      if (/^[xy]axis\d*$/.test(key)) { layout[key] = merged(base.axis, layout[key]); }
    });
    ["xaxis", "yaxis"].forEach(function (key) { layout[key] = layout[key] || base.axis; });
    return layout;
  }

  // Names of rows and columns make the hover texts of a heat map: one each is shorter than one per cell.
  function named(trace) {
    if (trace.type !== "heatmap") { return; }
    trace.text = trace.z.map(function (row, at) {
      return row.map(function (value, place) {
        return trace.meta.rows[at] + "<br>" + trace.meta.columns[place] + ": " + (value === null ? "\u2014" : value);
      });
    });
  }

  function done(node) {
    node.dataset.state = "drawn";
    drawn += 1;
    root.dataset.drawn = drawn;
  }

  function draw(node) {
    if (node.dataset.state) { return; }
    node.dataset.state = "drawing";
    try {
      var figure = JSON.parse(document.querySelector('script[data-for="' + node.id + '"]').textContent);
      figure.data.forEach(named);
      window.Plotly.newPlot(node, figure.data, layoutOf(figure.layout), base.config).then(
        function () { done(node); },
        function (error) { errors.push(node.id + ": " + error); }
      );
    } catch (error) {
      errors.push(node.id + ": " + error);
    }
  }

  // What is near the screen first, the rest when there is time, everything before printing.
  if ("IntersectionObserver" in window) {
    var near = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) { if (entry.isIntersecting) { near.unobserve(entry.target); draw(entry.target); } });
    }, { rootMargin: "600px 0px" });
    charts.forEach(function (node) { near.observe(node); });
  }
  var next = 0;
  var later = window.requestIdleCallback || function (work) { return setTimeout(work, 30); };
  function rest() {
    while (next < charts.length && charts[next].dataset.state) { next += 1; }
    if (next < charts.length) { draw(charts[next]); later(rest); }
  }
  later(rest);
  window.addEventListener("beforeprint", function () { charts.forEach(draw); });
})();
