"""The keys that Dagster's official Helm chart reads, as far as deploy/kubernetes uses its sections.

Source: helm/dagster/schema/schema/charts of dagster-io/dagster (run_launcher.py, daemon.py, webserver.py, user_deployments.py,
values.py), which forbid any other key; read on 2026-11-27. `helm` itself is not at hand where the tests run, so that templates
are not rendered here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_POD = frozenset(
    """
    image env envConfigMaps envSecrets annotations labels nodeSelector affinity tolerations podSecurityContext securityContext
    resources livenessProbe readinessProbe startupProbe volumeMounts volumes schedulerName
    """.split()
)

SECTIONS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        """
        dagsterWebserver dagster-user-deployments postgresql generatePostgresqlPasswordSecret generateCeleryConfigSecret rabbitmq
        redis flower ingress imagePullSecrets computeLogManager scheduler runLauncher pythonLogs dagsterDaemon busybox migrate
        telemetry serviceAccount global retention concurrency additionalInstanceConfig
        """.split()
    ),
    "dagsterWebserver": _POD
    | frozenset(
        """
        dbStatementTimeout dbPoolRecycle logLevel pathPrefix replicaCount nameOverride service workspace deploymentLabels
        enableReadOnly
        """.split()
    ),
    "dagsterDaemon": _POD
    | frozenset(
        "enabled runCoordinator heartbeatTolerance deploymentLabels runMonitoring runRetries sensors schedules".split()
    ),
    "dagsterDaemon.runCoordinator": frozenset(["enabled", "type", "config"]),
    "dagsterDaemon.runCoordinator.config.queuedRunCoordinator": frozenset(
        "maxConcurrentRuns tagConcurrencyLimits dequeueIntervalSeconds dequeueNumWorkers dequeueUseThreads".split()
    ),
    "dagster-user-deployments": frozenset(["enabled", "enableSubchart", "imagePullSecrets", "deployments"]),
    "dagster-user-deployments.deployments": _POD
    | frozenset(["name", "port", "dagsterApiGrpcArgs", "codeServerArgs", "includeConfigInLaunchedRuns"]),
    "runLauncher": frozenset(["type", "config"]),
    "runLauncher.config": frozenset(["celeryK8sRunLauncher", "k8sRunLauncher", "customRunLauncher"]),
    "runLauncher.config.k8sRunLauncher": frozenset(
        """
        image imagePullPolicy jobNamespace loadInclusterConfig kubeconfigFile envConfigMaps envSecrets envVars volumeMounts volumes
        labels failPodOnRunFailure resources schedulerName securityContext runK8sConfig
        """.split()
    ),
    "runLauncher.config.k8sRunLauncher.runK8sConfig": frozenset(
        "containerConfig podSpecConfig podTemplateSpecMetadata jobSpecConfig jobMetadata".split()
    ),
    "runLauncher.config.celeryK8sRunLauncher": (_POD - {"readinessProbe", "startupProbe"})
    | frozenset("imagePullPolicy nameOverride configSource workerQueues failPodOnRunFailure jobNamespace".split()),
    "runLauncher.config.celeryK8sRunLauncher.workerQueues": frozenset(
        "replicaCount name labels nodeSelector configSource additionalCeleryArgs".split()
    ),
}


def unknown_keys(values: Mapping[str, Any], section: str = "") -> Iterator[str]:
    """The keys of `values` (as dotted paths) that the chart refuses or does not read."""
    known = SECTIONS.get(section)
    for key, value in values.items():
        path = f"{section}.{key}".lstrip(".")
        if known is not None and key not in known:
            yield path
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, Mapping):
                yield from unknown_keys(inner, path)
