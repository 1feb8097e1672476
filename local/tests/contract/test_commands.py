"""What every command of the groups but endpoints and schedules prints where, and its exit code.

The lines run one after the other in the real azure-cli, in one process and one workspace. A row of the table is: exit
code, stdout, the line, and after a # what stderr has to say. Stdout is json, table, text, nothing (-), or =VALUE.
stderr is empty where a row says nothing of it. Codes: 1 error, 2 wrong usage, 3 not found by the service.
"""

import json
import re
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TABLE = r"""
0 json  workspace create --name v --tags a=b
0 json  workspace show --name v
3 -     workspace show --name absent  # az ml workspace create --name absent
2 -     workspace show  # --name/-n
0 table workspace list -o table
0 =v+w  workspace list --query [].name -o tsv
0 ="V"  workspace update --name v --display-name V --query display_name
3 -     workspace update --name absent --display-name V  # 'absent'
1 -     workspace update --name v --set location=moon  # location
0 json  workspace diagnose --name v
3 -     workspace diagnose --name absent  # 'absent'
1 -     workspace create  # has no name
1 -     workspace create --name 'a b'  # 'a b' is not a workspace name
1 -     workspace create --name x --kind hub  # --kind of 'az ml workspace create': not supported
1 -     workspace list-keys  # a folder has no keys
1 -     workspace delete --name v  # no tty available. Use --yes.
0 -     workspace delete --name v --yes
3 -     workspace delete --name v --yes  # 'v'

0 json  compute create --file compute.yml
0 -     compute create --file compute.yml -o none
1 -     compute create --file absent.yml  # No such file or directory: absent.yml
1 -     compute create --name k --type kubernetes  # type: a kubernetes compute is not supported
1 -     compute create --name n --type amlcompute --vnet-name v  # --vnet-name
0 =Running compute create --name ci --type computeinstance --size s --query state -o tsv
0 table compute show --name big -o table
3 -     compute show --name absent  # 'absent'
0 =big+ci+cpu-cluster compute list --query 'sort([].name)' -o tsv
0 -     compute list --type kubernetes -o tsv
0 =3    compute update --name big --max-instances 3 --query max_instances
3 -     compute update --name absent --max-instances 3  # 'absent'
2 -     compute update --name big --max-instances many  # invalid int value
0 -     compute stop --name ci
0 -     compute start --name ci
0 -     compute restart --name ci
1 -     compute stop --name big  # only a computeinstance
3 -     compute stop --name absent  # 'absent'
0 json  compute list-nodes --name big
3 -     compute list-nodes --name absent  # 'absent'
0 table compute list-sizes -o table
1 -     compute list-usage  # this machine has no quota
1 -     compute attach --file x  # compute attach: not supported
1 -     compute delete --name big  # Use --yes.
0 -     compute delete --name big --yes
3 -     compute delete --name big --yes  # 'big'

0 json  datastore create --file store.yml
2 -     datastore create  # --file/-f
0 table datastore show --name landing -o table
3 -     datastore show --name absent  # 'absent'
0 json  datastore list
0 ="d"  datastore update --name landing --set description=d --query description
3 -     datastore update --name absent --set description=d  # 'absent'
1 -     datastore mount x  # datastore mount: not supported

0 json  data create --name rows --version 1 --type uri_file --path rows.csv
0 =1    data create --name rows --version 1 --type uri_file --path rows.csv --query version -o tsv
1 -     data create --name rows --version 1 --type uri_file --path other.csv  # exists with other content
1 -     data create --name rows --type uri_file --path folder  # does not match asset type uri_file
1 -     data create --name rows --type uri_folder --path rows.csv  # does not match asset type uri_folder
1 -     data create --name rows --type mltable --path folder  # is not a folder with a file MLTable
1 -     data create --name rows --type uri_file --path absent.csv  # absent.csv does not exist
1 -     data create --name rows --version 'a b' --type uri_file --path rows.csv  # data version 'a b'
1 -     data create --name rows  # path: Missing data
3 -     data create --name rows --type uri_file --path rows.csv --datastore absent  # Datastore 'absent'
2 -     data create --name rows --type uri_thing --path rows.csv  # uri_thing
1 -     data create --file torn.yml  # Error while parsing yaml file: torn.yml
1 -     data create --file empty.yml  # empty.yml: Target yaml file is empty
0 table data show --name rows --version 1 -o table
0 =rows data show --name rows --label latest --query name -o tsv
3 -     data show --name rows --version 2  # rows:2
1 -     data show --name absent --label latest  # 'absent'
1 -     data show --name rows --label best  # 'best'
2 -     data show --version 1  # --name/-n
1 -     data show --name rows --version 1 --label latest  # Cannot specify both version and label
2 -     data create --set tags  # 'tags' is not FIELD=VALUE
1 -     data show --name rows  # Must provide either version or label
0 =rows data list --query [].name -o tsv
0 =1    data list --name rows --query [].version -o tsv
0 ="d"  data update --name rows --version 1 --set description=d --query description
3 -     data update --name absent --version 1 --set description=d  # absent:1
1 -     data update --name rows --version 1 --set path=x  # path of an existing version cannot change
0 -     data archive --name rows --version 1
0 =1    data list --name rows --archived-only --query [].version -o tsv
0 -     data restore --name rows --version 1
3 -     data archive --name absent  # 'absent'
3 -     data restore --name rows --version 7  # rows:7
1 -     data archive --name absent --label latest  # 'absent'
2 -     data archive --name rows --registry-name reg  # unrecognized arguments: --registry-name
1 -     data import --path x  # data import: not supported
1 -     data mount x  # data mount: not supported

0 json  environment create --file environment.yml
0 ="1"  environment create --file environment.yml --query version
1 -     environment create --file environment.yml --set image=other  # exists with other content
1 -     environment create --name f  # neither a conda_file nor an image nor a build context
1 -     environment create --image python  # name: Missing data
0 =true environment create --name b -b context --datastore landing --query "contains(build.path, 'landing')"
3 -     environment create --name b --build-context context --datastore absent  # Datastore 'absent'
0 table environment show --name plain --version 1 -o table
3 -     environment show --name plain --version 2  # plain:2
1 -     environment show --name absent --label latest  # 'absent'
1 -     environment show --name plain  # Must provide either version or label
1 -     environment show --name sklearn-1.5 --label latest --registry-name azureml  # Registry 'azureml' is Microsoft's
0 json  environment list
0 =1    environment list --name plain --query [].version -o tsv
0 ="d"  environment update --name plain --label latest --set description=d --query description
3 -     environment update --name plain --version 2 --set description=d  # plain:2
0 -     environment archive --name plain --version 1
0 -     environment restore --name plain --version 1
3 -     environment archive --name absent --version 1  # 'absent'
3 -     environment restore --name absent  # 'absent'

0 json  component create --file component.yml
0 =1    component create --file component.yml --query version -o tsv
1 -     component create --file component.yml --set command=ls  # exists with other content
1 -     component create --file command.yml  # command.yml: name: Missing data
2 -     component create --name c  # --file/-f
0 table component show --name c -o table
3 -     component show --name c --version 3  # c:3
3 -     component show --name absent  # 'absent'
3 -     component show --name absent --label latest  # 'absent'
0 =1    component list --name c --query [].version -o tsv
0 ="D"  component update --name c --set display_name=D --query display_name
3 -     component update --name absent --set display_name=D  # 'absent'
0 -     component archive --name c --version 1
0 -     component restore --name c --version 1
3 -     component archive --name absent  # 'absent'
1 -     component prepare-for-sign x  # component prepare-for-sign: not supported

0 json  model create --name m --path folder
0 =1    model create --name m --path folder --version 1 --query version -o tsv
1 -     model create --name m --path rows.csv --version 1  # exists with other content
1 -     model create --name m --path absent  # absent does not exist
1 -     model create --name m --path folder --type mlflow_model  # it has no file MLmodel
1 -     model create --name m --path folder --stage Bad  # stage: 'Bad'
1 -     model create --path folder  # name: Missing data
0 =true model create --name kept --path folder --datastore landing --query "contains(path, '/landing/')"
3 -     model create --name n --path folder --datastore absent  # Datastore 'absent'
3 -     model create --name n --path azureml://jobs/absent/outputs/model  # Job 'absent'
0 table model show --name m --version 1 -o table
3 -     model show --name m --version 7  # m:7
3 -     model show --name absent --version 1  # 'absent'
1 -     model show --name absent --label latest  # 'absent'
1 -     model show --name m  # Must provide either version or label
0 =kept+m model list --query 'sort([].name)' -o tsv
0 ="Staging" model update --name m --version 1 --stage Staging --query stage
3 -     model update --name absent --version 1 --set tags.a=b  # 'absent'
1 -     model update --name m --version 1 --set path=b  # path of an existing version cannot change
0 -     model archive --name m --version 1
0 -     model restore --name m --version 1
3 -     model archive --name absent  # 'absent'
0 -     model download --name m --version 1 --download-path got
3 -     model download --name m --version 7  # m:7
1 -     model package x  # model package: not supported

0 json  registry create --file registry.yml
1 -     registry create  # location: Missing data
0 table registry show --name reg -o table
3 -     registry show --name absent  # Registry 'absent'
0 =reg  registry list --query [].name -o tsv
0 ="d"  registry update --name reg --set description=d --query description
3 -     registry update --name absent --set description=d  # Registry 'absent'
0 ="s"  data share --name rows --version 1 {} --query name  # This command is in preview
3 -     data share --name rows --version 9 {}  # rows:9
0 ="s"  environment share --name plain --version 1 {} --query name
3 -     environment share --name plain --version 9 {}  # plain:9
0 ="s"  model share --name m --version 1 {} --query name
3 -     model share --name m --version 9 {}  # m:9
2 -     model share --name m --version 1 --registry-name reg  # --share-with-name, --share-with-version
3 -     data list --workspace-name absent  # az ml workspace create --name absent
3 -     data list --registry-name absent  # Registry 'absent'
3 -     data show --name s --version 2 --registry-name reg  # s:2
1 -     component create --file component.yml --registry-name reg  # environment: azureml:plain:1 names an asset
1 -     registry delete  # --name/-n
0 -     registry delete --name reg
3 -     registry delete --name reg  # Registry 'reg'

0 json  job validate --file pipeline.yml
1 -     job validate --file absent.yml  # No such file or directory: absent.yml
3 -     job validate --file pipeline.yml --set jobs.only.component=azureml:absent:1  # jobs.only.component: Component
1 -     job validate --file pipeline.yml --set settings.default_compute=big  # is not one of serverless, azureml:NAME.
1 -     job validate --file spark.yml  # spark.yml: type: the local workspace can't run spark jobs
1 -     job validate --file automl.yml  # automl.yml: type: the local workspace can't run automl jobs
1 -     job validate --file finetuning.yml  # finetuning.yml: type: the local workspace can't run finetuning jobs
1 -     job validate --file command.yml --set resources.instance_count=2  # 2 nodes need a cluster
0 json  job create --file command.yml --name one
0 text  job stream --name one
1 -     job create --file command.yml --name one  # A job with the name 'one' exists already
1 -     job create --file command.yml --name a/b  # 'a/b' is not a job name
2 -     job create  # --file/-f
2 -     job create --file command.yml --set command  # 'command' is not FIELD=VALUE
3 -     job create --file command.yml --set environment=azureml:absent:1  # environment: Environment 'absent:1'
1 -     job create --file command.yml --set environment=azureml:absent@latest  # environment: Environment 'absent'
1 -     job create --file command.yml --set compute=azureml:absent  # compute: there is no compute 'absent'
1 text  job create --file command.yml --set 'command=exit 3' --name bad --stream  # Job bad failed: the command ended
0 text  job create --file pipeline.yml --name two --stream -o none
1 text  job stream --name bad  # Job bad failed: the command ended
3 -     job stream --name absent  # 'absent'
0 =Completed job show --name one --query status -o tsv
3 -     job show --name absent  # 'absent'
2 -     job show --name one --colour red  # unrecognized arguments: --colour red
2 -     job show --name one --query '['  # --query
0 table job list -o table
0 =two  job list --max-results 1 --query [].name -o tsv  # Displaying top 1 results
0 =only job list --parent-job-name two --query [].display_name -o tsv
3 -     job list --parent-job-name absent  # 'absent'
0 -     job cancel --name one
3 -     job cancel --name absent  # 'absent'
0 ="b"  job update --name one --set tags.a=b --query tags.a
1 -     job update --name one --set command=x  # command of a job can't be changed
3 -     job update --name absent --set tags.a=b  # 'absent'
0 -     job archive --name one
0 =one  job list --archived-only --query [].name -o tsv
0 -     job restore --name one
3 -     job archive --name absent  # 'absent'
3 -     job restore --name absent  # 'absent'
0 -     job download --name two --all --download-path got
3 -     job download --name absent  # 'absent'
3 -     job download --name one --output-name absent  # has no output 'absent'
1 -     job connect-ssh x  # job connect-ssh: not supported
1 -     job show-services x  # job show-services: not supported
2 -     job nonsense  # nonsense

0 -     datastore delete --name landing
3 -     datastore delete --name landing  # 'landing'
""".replace("{}", "--registry-name reg --share-with-name s --share-with-version 1")
ROWS = [row for row in TABLE.splitlines() if row]
FILES = {
    "compute.yml": "{name: big, type: amlcompute, size: STANDARD_DS3_V2, max_instances: 2}",
    "store.yml": "{name: landing, type: azure_blob, account_name: a, container_name: c}",
    "rows.csv": "a\n1\n",
    "other.csv": "a\n2\n",
    "folder/part.csv": "a\n1\n",
    "context/Dockerfile": "FROM python:3.11\n",
    "torn.yml": "name: [\n",
    "empty.yml": "",
    "environment.yml": "{name: plain, version: '1', image: python, conda_file: {dependencies: [python=3.11]}}",
    "component.yml": "{name: c, version: '1', type: command, environment: 'azureml:plain:1', command: echo}",
    "command.yml": "{type: command, environment: 'azureml:plain:1', command: echo}",
    "pipeline.yml": "{type: pipeline, jobs: {only: {type: command, component: component.yml}}}",
    "spark.yml": "{type: spark, code: folder, entry: {file: part.csv}, compute: big, conf: {spark.driver.cores: 1, "
    "spark.driver.memory: 2g, spark.executor.cores: 2, spark.executor.memory: 2g, spark.executor.instances: 2}}",
    "automl.yml": "{type: automl, task: classification, primary_metric: accuracy, target_column_name: y, "
    "training_data: {type: mltable, path: folder}}",
    "finetuning.yml": "{type: finetuning, task: chat_completion, model_provider: custom, "
    "model: {type: mlflow_model, path: folder}, training_data: {type: uri_file, path: rows.csv}, "
    "outputs: {registered_model: {type: mlflow_model, name: m}}}",
    "registry.yml": "{name: reg, location: eastus, replication_locations: [{location: eastus}]}",
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, drive: Any) -> dict[str, Any]:
    """What became of each row."""
    folder = tmp_path_factory.mktemp("specs")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    lines = [row.partition("  # ")[0].split(maxsplit=2)[2] for row in ROWS]
    return dict(zip(ROWS, drive(folder)(*lines), strict=True))


@pytest.mark.parametrize("row", ROWS)
def test_a_command_prints_and_ends_as_on_azure(done: dict[str, Any], row: str) -> None:
    code, out, _ = row.split(maxsplit=2)
    line, told = done[row], row.partition("  # ")[2]
    assert line.code == int(code), line.err
    assert told in line.err
    assert bool(told) == bool(line.err)
    assert re.findall("^ERROR: ", line.err, re.MULTILINE) == ["ERROR: "] * (line.code != 0)
    assert "experimental" not in line.err
    if out.startswith("="):
        assert line.out.split() == out[1:].split("+")
    elif out == "json":
        json.loads(line.out)
    elif out == "table":
        assert re.match(r"[A-Z].*\n-[- ]+\n.*\S", line.out)
    else:
        assert bool(line.out) == (out == "text")
