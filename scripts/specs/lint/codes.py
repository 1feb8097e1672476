"""Codes of all findings with their titles; docs/checks.md explains each one."""

CODES = {
    # Files and keys
    "AML001": "a template that can't be rendered",
    "AML002": "rejected by azure-ai-ml",
    "AML003": "warning of azure-ai-ml",
    "AML004": "first line is not $schema",
    "AML005": "$schema of another kind",
    "AML006": "key given twice",
    "AML007": "unknown key",
    "AML008": "own asset by a literal id",
    "AML009": "missing file or folder",
    # Pipelines
    "AML101": "unknown job",
    "AML102": "unknown output of a job",
    "AML103": "unknown input of the pipeline",
    "AML104": "unknown input of a component",
    "AML105": "required input is missing",
    "AML106": "unknown output",
    "AML107": "value that the input does not take",
    "AML108": "type of data that the input does not take",
    "AML109": "jobs wait for each other",
    "AML110": "output bound twice",
    "AML111": "job type of another component type",
    "AML112": "pipeline input that nothing uses",
    "AML113": "pipeline output that nothing writes",
    # Commands
    "AML201": "undeclared input or output",
    "AML202": "declared but not used",
    "AML203": "${{parent}} in a component",
    "AML204": "optional input outside $[[ ]]",
    "AML205": "script that is not in the code",
    # Sweep and parallel
    "AML301": "search space for what is no input",
    "AML302": "sweep without an objective",
    "AML303": "search space that the sampling can't use",
    "AML304": "limits that contradict each other",
    "AML311": "input_data that is no input",
    "AML312": "partition_keys without a table",
    # Endpoints
    "AML401": "traffic is not 0 or 100 percent",
    "AML402": "mirror traffic out of bounds",
    "AML403": "deployment of another endpoint",
    # Schedules and monitors
    "AML501": "cron expression",
    "AML502": "recurrence",
    "AML503": "time zone or time span",
    "AML511": "unknown monitor signal",
    "AML512": "unknown monitor metric",
    "AML513": "monitor threshold that never reaches the service",
}
