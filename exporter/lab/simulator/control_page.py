"""The page for people: the fleet, the running scenarios, and forms to start more. Plain HTML."""

from __future__ import annotations

import time
from collections.abc import Iterator
from html import escape
from typing import Final
from urllib.parse import quote

from exporter.lab.simulator.fault_forms import CHOICES, FAULT_FIELDS, FaultField, format_faults
from exporter.lab.simulator.incident import Parameter, Scenario, SimulatedIncident
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import value_text
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.lab.simulator.topology import Unit
from exporter.web.layout import html_page

_STYLE: Final = """
p { max-width: 60rem; } td.text { white-space: normal; }
form { margin: 0; } label { display: block; color: var(--soft); font-size: .85rem; }
input, select, button { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--line);
  border-radius: 4px; padding: .2rem .5rem; } input, select { display: block; width: 11rem; margin: .1rem 0; }
button { cursor: pointer; background: var(--band); } button:hover, details:hover > summary { color: var(--link); }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: .75rem 1.5rem;
  align-items: start; padding: .75rem 0; }
details { border-bottom: 1px solid var(--line); padding: .35rem .5rem; } summary { cursor: pointer; }
details form { padding: 0 0 .5rem 1rem; } summary span { color: var(--soft); }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
"""

_PLACES: Final = {"unit": "One unit", "pool": "A pool", "site": "A site", "fleet": "The whole fleet"}
_RUN_COLUMNS: Final = ("No.", "Scenario", "Where", "Begins", "Ends", "With", "")
_UNIT_COLUMNS: Final = (
    "Unit",
    "Site",
    "Pool",
    "Traffic",
    "Role",
    "AsyncOS",
    "Status",
    "Work queue",
    "Messages/h",
    "Faults",
)


def overview(fleet: LiveFleet, complaint: str = "") -> str:
    """Return the page of the fleet. `complaint` says what was wrong with the form that was sent."""
    model, units = fleet.model, fleet.units
    many = f"{len(units)} {'unit' if len(units) == 1 else 'units'}"
    body = f"""<h1>Simulated fleet <small>{escape(model.fleet.topology.name)}</small></h1>
<p>{many}, a step every {model.step} s; the last one at {_clock(model.time)} UTC.</p>
{_complaint(complaint)}
<nav><a href="/">Refresh</a> <a href="/fleet.yml">fleet.yml</a> <a href="/scenarios">Scenarios as JSON</a>
<a href="/truth">Truth table</a></nav>
<h2>Scenarios</h2>
{_incidents(model)}
<h2>Units</h2>
<p>Click the name of a unit to set faults of its SNMP agent and web interface.</p>
<div class="table"><table>
<thead><tr>{_cells("th", *_UNIT_COLUMNS)}</tr></thead>
<tbody>
{"".join(_unit_row(fleet, unit) for unit in units)}</tbody>
</table></div>
<h2>Start a scenario</h2>
<p>An empty field has the value that it shows. Write times as 90s, 5m, 2h or 3d.</p>
{_datalists(model)}{"".join(_forms())}"""
    return html_page("Simulated fleet", body, _STYLE)


def unit_faults(fleet: LiveFleet, name: str, complaint: str = "") -> str:
    """Return the page with the faults of one unit. `complaint` is as for `overview`."""
    now = format_faults(*fleet.faults(name))
    fields = "\n".join(_fault_field(fault, now.get(fault.name, "")) for fault in FAULT_FIELDS)
    body = f"""<h1>{escape(name)} <small>faults</small></h1>
<p>They come in addition to the scenarios, and stay until you remove them.</p>
{_complaint(complaint)}
<nav><a href="/">Back to the fleet</a></nav>
<form method="post"><div class="fields">
{fields}
</div><button>Set</button></form>"""
    return html_page(f"{name}: faults", body, _STYLE)


def _complaint(text: str) -> str:
    return f'<p class="failed" role="alert">✕ {escape(text)}</p>' if text else ""


def _cells(tag: str, *texts: str) -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for text in texts)


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def _incidents(model: Model) -> str:
    if not model.scenarios:
        return "<p>No scenario is running.</p>"
    rows = "".join(_incident_row(model, incident) for incident in model.scenarios)
    head = _cells("th", *_RUN_COLUMNS)
    return f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>'


def _incident_row(model: Model, incident: SimulatedIncident) -> str:
    place = incident.scenario.scope
    names = [model.fleet.names[unit] for unit in incident.units]
    where = "the fleet" if place == "fleet" else ", ".join(names[:8]) + (" and more" if len(names) > 8 else "")
    given = (
        f"{parameter.name}={value_text(parameter, incident.values[parameter.name])}"
        for parameter in incident.scenario.parameters
        if parameter.name not in ("duration", *_PLACES)
    )
    stop = f'<form method="post" action="/scenarios/{incident.number}/stop"><button>Stop</button></form>'
    begin = _clock(incident.begin) if incident.begin > model.time else f"running since {_clock(incident.begin)}"
    cells = _cells("td", str(incident.number), incident.scenario.name, escape(where), begin, _clock(incident.end))
    return f"<tr>{cells}<td class=text>{escape(' '.join(given))}</td><td>{stop}</td></tr>\n"


def _unit_row(fleet: LiveFleet, unit: Unit) -> str:
    items = fleet.model.view.xml_items(unit.name)
    transport = fleet.model.view.transport(unit.name)
    broken = " ".join(f"{name}={text}" for name, text in format_faults(*fleet.faults(unit.name)).items())
    sources = {"SNMP": transport.snmp, "XML": transport.xml} | (
        {"REST": transport.rest} if fleet.has_rest(unit) else {}
    )
    silent = [source for source, answers in sources.items() if not answers]
    figures = ("system/status", "gauges/msgs_in_work_queue/current", "rates/inj_msgs/last_5_min")
    status, queue, arrivals = (str(items[item][()]) for item in figures)
    word = f'<span class="failed">✕ no {" and no ".join(silent)}</span>' if silent else escape(status)
    name = f'<a href="/units/{quote(unit.name, safe="")}/faults">{escape(unit.name)}</a>'
    own = (escape(unit.site or ""), escape(unit.pool), unit.traffic, unit.role, unit.asyncos)
    return f"<tr>{_cells('td', name, *own, word, f'{int(queue):,}', f'{int(arrivals):,}', escape(broken))}</tr>\n"


def _datalists(model: Model) -> str:
    names = {"unit": model.fleet.names, "pool": model.fleet.pools, "site": model.fleet.sites}
    return "".join(
        f'<datalist id="{kind}s">{"".join(f"<option>{escape(name)}</option>" for name in known)}</datalist>\n'
        for kind, known in names.items()
    )


def _forms() -> Iterator[str]:
    for place, title in _PLACES.items():
        yield f"<h3>{title}</h3>\n"
        yield from (_form(scenario) for scenario in SCENARIOS.values() if scenario.scope == place)


def _form(scenario: Scenario) -> str:
    start = _field("offset", "0s", "time until it begins")
    fields = "\n".join([start, *map(_parameter_field, scenario.parameters)])
    return f"""<details><summary><b>{scenario.name}</b> <span>{escape(scenario.meaning)}</span></summary>
<form method="post" action="/scenarios"><input type="hidden" name="scenario" value="{scenario.name}">
<div class="fields">
{fields}
</div><button>Start {scenario.name}</button></form></details>
"""


def _parameter_field(parameter: Parameter) -> str:
    unit = f" ({parameter.unit})" if parameter.unit not in ("s", "text") else ""
    usual = value_text(parameter, parameter.default) or "chosen for you"
    return _field(parameter.name, usual, parameter.meaning + unit)


def _field(name: str, usual: str, meaning: str) -> str:
    known = f' list="{name}s"' if name in ("unit", "pool", "site") else ""
    text = f'<input name="{name}"{known} placeholder="{escape(usual)}" autocomplete="off">'
    return f"<label><b>{name}</b>{text}{escape(meaning)}</label>"


def _fault_field(fault: FaultField, now: str) -> str:
    if fault.kind in CHOICES:
        options = "".join(
            f"<option{' selected' if choice == now else ''}>{escape(choice)}</option>" for choice in CHOICES[fault.kind]
        )
        control = f'<select name="{fault.name}">{options}</select>'
    else:
        control = f'<input name="{fault.name}" value="{escape(now)}" placeholder="0" autocomplete="off">'
    unit = "" if fault.kind in CHOICES else f" ({fault.kind})"
    return f"<label><b>{fault.name}</b>{control}{escape(fault.meaning + unit)}</label>"
