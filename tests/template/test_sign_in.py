"""People sign in at a user pool without sign-up, or at the issuer of the insurer."""

from typing import Any

import pytest

from tests.template.application import RESOURCES, TEMPLATE, deployed_resources

GROUPS = {"investigator", "lead", "data_scientist", "auditor", "privacy_officer"}
OWN_ISSUER = {"IdentityIssuer": "https://login.example.com/tenant", "IdentityAudience": "api://claimwatch"}
POOL = RESOURCES["UserPool"]["Properties"]
CLIENT = RESOURCES["UserPoolClient"]["Properties"]


def of_cognito(**parameters: str) -> dict[str, dict[str, Any]]:
    return {
        name: body
        for name, body in deployed_resources(**parameters).items()
        if body["Type"].startswith("AWS::Cognito::")
    }


def authorizer(**parameters: str) -> dict[str, Any]:
    properties: dict[str, Any] = deployed_resources(**parameters)["PeopleAuthorizer"]["Properties"]
    return properties


def test_nobody_signs_up_or_recovers_an_account_alone() -> None:
    assert POOL["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert POOL["AccountRecoverySetting"]["RecoveryMechanisms"] == [{"Name": "admin_only", "Priority": 1}]


def test_a_second_factor_is_required_unless_it_is_switched_off() -> None:
    assert TEMPLATE["Parameters"]["SignInMfa"]["Default"] == "totp"
    required = of_cognito()["UserPool"]["Properties"]
    assert (required["MfaConfiguration"], required["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    switched_off = of_cognito(SignInMfa="off")["UserPool"]["Properties"]
    assert switched_off["MfaConfiguration"] == "OFF"
    assert "EnabledMfas" not in switched_off


def test_the_client_keeps_no_secret_and_signs_in_on_the_page_of_the_pool_only() -> None:
    assert CLIENT["GenerateSecret"] is False
    assert CLIENT["AllowedOAuthFlows"] == ["code"]
    # Tokens of SRP have another scope, which the routes of people do not accept.
    assert CLIENT["AllowedOAuthScopes"] == ["openid"]
    assert CLIENT["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH"]
    assert CLIENT["PreventUserExistenceErrors"] == "ENABLED"


def test_a_session_ends_after_a_working_day_and_its_tokens_are_replaced() -> None:
    units = CLIENT["TokenValidityUnits"]
    assert (CLIENT["AccessTokenValidity"], units["AccessToken"]) == (30, "minutes")
    assert (CLIENT["RefreshTokenValidity"], units["RefreshToken"]) == (8, "hours")
    assert CLIENT["RefreshTokenRotation"]["Feature"] == "ENABLED"
    assert CLIENT["EnableTokenRevocation"] is True


def test_the_pool_has_the_groups_that_the_database_has_permissions_for() -> None:
    groups = {
        body["Properties"]["GroupName"]
        for body in of_cognito().values()
        if body["Type"] == "AWS::Cognito::UserPoolGroup"
    }
    assert groups == GROUPS


def test_people_outlive_the_stack_because_the_audit_names_them() -> None:
    assert RESOURCES["UserPool"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES["UserPool"]["UpdateReplacePolicy"] == "Retain"


def test_tokens_are_verified_for_the_pool_and_its_client() -> None:
    assert authorizer() == RESOURCES["PeopleAuthorizer"]["Properties"] | {
        "JwtConfiguration": {
            "Issuer": {"Fn::Sub": "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"},
            "Audience": [{"Ref": "UserPoolClient"}],
        }
    }
    assert authorizer()["IdentitySource"] == ["$request.header.Authorization"]


@pytest.mark.parametrize("output", ["UserPoolId", "UserPoolClientId", "SignInUrl"])
def test_an_own_issuer_replaces_the_pool(output: str) -> None:
    assert of_cognito(**OWN_ISSUER) == {}
    assert authorizer(**OWN_ISSUER)["JwtConfiguration"] == {
        "Issuer": {"Ref": "IdentityIssuer"},
        "Audience": {"Ref": "IdentityAudience"},
    }
    assert TEMPLATE["Outputs"][output]["Condition"] == "OwnIdentity"
