"""Settings of batch deployments: where they may stand, what an invocation changes, what is refused."""

import pytest
from ml_workspace import Unsupported, WorkspaceError, batch_settings


def test_what_is_not_given_is_as_azure_documents_it():
    assert batch_settings.of_model({}) == {
        "mini_batch_size": 10,
        "max_concurrency_per_instance": 1,
        "output_action": "append_row",
        "output_file_name": "predictions.csv",
        "error_threshold": -1,
        "logging_level": "info",
        "retry_settings": {"max_retries": 3, "timeout": 30},
        "environment_variables": {},
        "instance_count": 1,
    }


def test_the_older_form_of_a_deployment_says_the_same():
    new = {"settings": {"mini_batch_size": 2, "environment_variables": {"A": 1}}, "resources": {"instance_count": 3}}
    old = {"mini_batch_size": "2", "environment_variables": {"A": "1"}, "resources": {"instance_count": 3}}
    assert batch_settings.of_model(new) == batch_settings.of_model(old)
    assert batch_settings.of_model(new)["instance_count"] == 3


def test_a_shown_deployment_can_be_given_back():
    settings = batch_settings.of_model({"settings": {"output_action": "summary_only", "instance_count": 2}})
    assert "output_file_name" not in settings
    assert batch_settings.of_model(settings) == settings


def test_an_invocation_goes_over_its_deployment():
    deployed = batch_settings.of_model({"settings": {"retry_settings": {"timeout": 5}}})
    over = {"error_threshold": "0", "compute": {"instance_count": 2}, "retry_settings": {"max_retries": 0}}
    changed = batch_settings.of_job(deployed, {"settings": over, "mini_batch_size": 7})
    assert {key for key in deployed if deployed[key] != changed[key]} == {
        "error_threshold",
        "instance_count",
        "mini_batch_size",
        "retry_settings",
    }
    assert (changed["error_threshold"], changed["instance_count"], changed["mini_batch_size"]) == (0, 2, 7)
    assert changed["retry_settings"] == {"max_retries": 0, "timeout": 5}
    assert batch_settings.of_job(deployed, {"instance_count": 4, "settings": over})["instance_count"] == 4


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"mini_batch_size": 0}, WorkspaceError, "mini_batch_size: 0 is not a whole number from 1"),
        ({"max_concurrency_per_instance": "two"}, WorkspaceError, "max_concurrency_per_instance: 'two'"),
        ({"error_threshold": -2}, WorkspaceError, "error_threshold: -2 is not a whole number from -1"),
        ({"retry_settings": {"timeout": 0}}, WorkspaceError, r"retry_settings\.timeout: 0"),
        ({"retry_settings": {"backoff": 1}}, Unsupported, r"retry_settings\.backoff: there is no such setting"),
        ({"output_action": "overwrite"}, WorkspaceError, "output_action: 'overwrite'"),
        ({"output_action": "summary_only", "output_file_name": "x"}, WorkspaceError, "output_file_name: with"),
        ({"output_file_name": "../../x"}, WorkspaceError, "is not the name of a file"),
        ({"logging_level": "loud"}, WorkspaceError, "logging_level: 'loud' is not one of info, warning, debug"),
        ({"nodes": 2}, Unsupported, r"settings\.nodes: there is no such setting here"),
    ],
)
def test_what_can_not_be_set_is_named(settings, error, message):
    with pytest.raises(error, match=message):
        batch_settings.of_model({"settings": settings})


def test_settings_of_a_pipeline_are_those_of_a_pipeline_job():
    # What comes from the command line is text: "false" must not count as true.
    found = batch_settings.of_pipeline({"settings": {"default_compute": "c", "force_rerun": "false"}})
    assert found == {"default_compute": "c", "force_rerun": False}
    with pytest.raises(WorkspaceError, match=r"settings\.continue_on_step_failure: 'maybe'"):
        batch_settings.of_pipeline({"settings": {"continue_on_step_failure": "maybe"}})
    with pytest.raises(Unsupported, match=r"settings\.mini_batch_size: there is no such setting"):
        batch_settings.of_pipeline({"settings": {"mini_batch_size": 1}})
