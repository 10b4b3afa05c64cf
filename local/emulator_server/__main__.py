"""Starts the emulator with all patches."""

from ministack import app

from local.emulator_server import (
    alarms,
    deployments,
    distributions,
    functions,
    instances,
    invocations,
    logs,
    objects,
    policies,
    releases,
    schedules,
    stacks,
    state_machines,
    streams,
)

if __name__ == "__main__":
    functions.report_error_classes()
    policies.treat_loopback_as_secure()
    functions.convert_concurrency_to_number()
    objects.add_object_versions_to_events()
    objects.hide_missing_objects()
    objects.support_ranges_of_versions()
    functions.unpack_layers_once()
    functions.hide_site_packages()
    instances.support_launch_templates()
    instances.publish_terminated_instances()
    invocations.route_by_alias_weights()
    invocations.count_invocations()
    invocations.report_invocations()
    logs.match_fields()
    logs.publish_filtered_metrics()
    alarms.evaluate_alarms_by_periods()
    alarms.evaluate_alarms_continuously()
    policies.add_condition_keys()
    policies.resolve_principals_and_variables()
    policies.name_resources_of_parameters()
    policies.name_aliases_of_functions()
    policies.name_alarms()
    schedules.name_schedules_with_groups()
    schedules.call_targets_with_roles()
    state_machines.read_map_concurrency_by_path()
    stacks.lock_objects_of_buckets()
    stacks.pass_parameters_to_transform()
    deployments.serve_code_deploy()
    deployments.create_deployment_groups()
    deployments.shift_aliases()
    releases.serve_code_pipeline()
    streams.buffer_records()
    distributions.serve_apis_as_origins()
    distributions.compress_answers()
    distributions.listen_for_viewers()
    app.main()
