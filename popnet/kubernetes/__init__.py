"""Runs a sweep as a Kubernetes job: renders, checks and applies its manifests.

This package uses neither Ray nor a cluster; it writes what the KubeRay operator reads.
"""

from popnet.kubernetes.job import Job as Job
from popnet.kubernetes.job import job as job
from popnet.kubernetes.names import object_name as object_name
from popnet.kubernetes.rendering import as_yaml as as_yaml
from popnet.kubernetes.rendering import render as render
from popnet.kubernetes.submitting import submit as submit
from popnet.kubernetes.validation import problems as problems
